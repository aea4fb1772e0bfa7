//! Servers that break one threshold, under load: each is told on for that threshold.

use loadtest::record::{Record, Threshold, Verdict};

use tempfile::TempDir;

use crate::program::storm;

fn broken(name: &str, slug: &str) -> Record {
    // Guesses at one account have to add up; everything else shows at once.
    let seconds = if name == "code-brute-force" { "8" } else { "4" };
    let ended = storm(name, seconds, "25", &["--mutant", slug]);
    let record = ended.comes_to(Verdict::Failed);
    assert_eq!(record.safety.unjudged, 0, "{slug}");
    record
}

/// It breaks this threshold, for this requirement, and no other.
fn breaks(name: &str, slug: &str, threshold: &str, requirement: &str) -> Record {
    let record = broken(name, slug);
    assert!(!record.safety.breaches.is_empty(), "{slug}");
    for breach in &record.safety.breaches {
        assert_eq!(
            (&*breach.rule, &*breach.requirement),
            (threshold, requirement),
            "{slug}: {breach:?}"
        );
    }
    record
}

#[test]
fn a_code_redeemed_twice() {
    breaks("app-update", "code-not-consumed", "code-redeemed-twice", "LIFE-03");
}

#[test]
fn a_session_after_removal() {
    breaks("mass-removal", "jwt-outlives-removal", "session-after-removal", "DEV-10");
}

#[test]
fn a_session_renewed_after_removal() {
    breaks("mass-removal", "refresh-survives-removal", "session-after-removal", "DEV-10");
}

#[test]
fn a_session_without_a_second_step() {
    breaks(
        "mass-removal",
        "removed-token-still-skips",
        "session-without-second-step",
        "DEV-11",
    );
}

#[test]
fn a_budget_of_guesses_exceeded() {
    breaks("code-brute-force", "counter-per-challenge-only", "over-budget", "ATT-02");
}

#[test]
fn accounts_entered_by_attackers() {
    let record = breaks(
        "code-brute-force",
        "test-code-left-in",
        "session-without-second-step",
        "CODE-04",
    );
    assert!(record.attack.is_some_and(|attack| attack.accounts_entered > 0));
}

#[test]
fn owners_locked_out_for_what_strangers_do() {
    let record = broken("code-brute-force", "code-lock-blocks-trusted-devices");
    assert!(record.attack.is_some_and(|attack| attack.collateral > 0.001));
    let threshold = record
        .thresholds
        .iter()
        .find(|threshold| threshold.what.contains("refused or limited"));
    assert!(threshold.is_some_and(|threshold| !threshold.passed));
}

const FEW_ACCOUNTS: &str = r#"
name = "stuffing-few"
title = "Many leaked passwords on a few accounts, whose owners sign in"
seconds = 4
drain_s = 10

[[classes]]
name = "owners"
flow = "trusted-sign-in"
device = "trusted"
connection = "kept"
accounts = 10
arrivals = { rate = 15 }

[[classes]]
name = "stuffers"
attacker = true
flow = "stuff-passwords"
accounts_of = "owners"
tries = 12
arrivals = { rate = 10 }

[slo]
collateral = 0.001
"#;

/// The record of it, and what was promised to owners.
fn few_accounts(more: &[&str], verdict: Verdict) -> (Record, Threshold) {
    let directory = TempDir::new().unwrap();
    let scenario = directory.path().join("stuffing-few.toml");
    std::fs::write(&scenario, FEW_ACCOUNTS).unwrap();
    let ended = storm(&scenario.display().to_string(), "4", "25", more);
    let record = ended.comes_to(verdict);
    let mut thresholds = record.thresholds.iter();
    let collateral = thresholds.find(|threshold| threshold.what.contains("refused or limited"));
    let collateral = collateral.unwrap_or_else(|| panic!("{}", ended.shown)).clone();
    (record, collateral)
}

#[test]
fn owners_locked_out_by_wrong_passwords_of_strangers() {
    let (_, collateral) = few_accounts(&["--mutant", "hard-lock-by-email"], Verdict::Failed);
    assert!(!collateral.passed && collateral.found > Some(0.1), "{collateral:?}");
}

#[test]
fn owners_of_a_few_accounts_get_in_whatever_strangers_type() {
    let (record, collateral) = few_accounts(&[], Verdict::Passed);
    assert!(collateral.passed && collateral.found == Some(0.0), "{collateral:?}");
    assert!(
        record.attack.is_some_and(|attack| attack.guesses_evaluated >= 100),
        "{:?}",
        record.attack
    );
    assert_eq!(record.safety.breaches, []);
}
