//! Every storm of the library against a right server: it holds, and all that is promised of a run is there.

use loadtest::plan::scenario::library::STORMS;
use loadtest::record::{Record, Verdict};

use crate::program::{self, Ended, storm};

/// Everything that was offered is found again, and nothing was unsafe.
fn is_whole(record: &Record) {
    for party in &record.parties {
        let funnel = party.funnel;
        let ended = funnel.completed + funnel.refused + funnel.limited + funnel.failed + funnel.unanswered;
        let ended = ended + funnel.no_code + funnel.abandoned + funnel.interrupted;
        assert!(funnel.offered > 0, "{}: nobody came", party.name);
        assert_eq!(funnel.offered, ended, "{}: {funnel:?}", party.name);
    }
    assert_eq!(record.safety.breaches, []);
    assert_eq!(record.safety.unjudged, 0);
    assert!(record.safety.accounts > 0 && record.safety.operations > 0);
}

fn holds(name: &str, seconds: &str, rate: &str) -> Ended {
    let ended = storm(name, seconds, rate, &[]);
    let record = ended.comes_to(Verdict::Held);
    assert!(!record.interrupted);
    is_whole(&record);
    for file in ["report.html", "junit.xml", "storm.hlog", "goose.json"] {
        assert!(ended.report().join(file).metadata().unwrap().len() > 0, "{file}");
    }
    ended
}

/// Seconds are chosen so that phases and events begin with a second.
const SHORT: [(&str, &str, &str); 10] = [
    ("morning-peak", "5", "40"),
    ("isp-outage", "5", "40"),
    ("app-update", "5", "40"),
    ("push-outage", "10", "20"),
    ("email-lag", "10", "20"),
    ("credential-stuffing", "5", "40"),
    ("code-brute-force", "5", "40"),
    ("resend-hammer", "6", "30"),
    ("mass-removal", "5", "30"),
    ("soak", "5", "40"),
];

#[test]
fn none_is_left_out() {
    let mut here: Vec<&str> = SHORT.iter().map(|(name, ..)| *name).collect();
    let mut library: Vec<&str> = STORMS.iter().map(|stored| stored.name).collect();
    here.sort_unstable();
    library.sort_unstable();
    assert_eq!(here, library);
}

macro_rules! in_short {
    ($($test:ident: $nth:expr;)*) => {$(
        #[test]
        fn $test() {
            let (name, seconds, rate) = SHORT[$nth];
            holds(name, seconds, rate);
        }
    )*};
}

in_short! {
    morning_peak: 0;
    isp_outage: 1;
    app_update: 2;
    email_lag: 4;
    credential_stuffing: 5;
    code_brute_force: 6;
    resend_hammer: 7;
    mass_removal: 8;
    soak: 9;
}

#[test]
fn push_outage_is_recovered_from_by_email() {
    let record = holds(SHORT[3].0, SHORT[3].1, SHORT[3].2).record();
    assert!(record.deliveries.email > 0 && record.deliveries.push > 0);
}

#[test]
fn a_service_without_another_way_does_not_recover_and_the_report_says_so() {
    let ended = storm("push-outage", "10", "20", &["--known-bad", "no-way-but-push"]);
    let record = ended.comes_to(Verdict::Broken);
    let promise = record
        .promises
        .iter()
        .find(|promise| promise.what.contains("in phase outage"));
    assert!(promise.is_some_and(|promise| !promise.kept), "{:?}", record.promises);
    assert!(record.parties[0].funnel.no_code > 0, "{:?}", record.parties[0].funnel);
    assert_eq!(record.deliveries.email, 0);
    for words in [&ended.told, &ended.page()] {
        assert!(words.contains("in phase outage") && words.contains("no-way-but-push"));
    }
}

#[test]
fn several_seeds_tell_how_probable_it_is_to_recover_and_two_runs_are_compared() {
    let ended = storm("morning-peak", "2", "20", &["--seeds", "2"]);
    let each = [1, 2].map(|seed| program::record(&ended.report().join(format!("seed-{seed}/record.json"))));
    let late = each.iter().any(|record| !record.generator.limits.is_empty());
    let verdict = if late { Verdict::GeneratorLimited } else { Verdict::Held };
    assert_eq!(ended.code, Some(verdict.exit_code().into()), "{}", ended.told);
    let recovery = std::fs::read(ended.report().join("recovery.json")).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&recovery).unwrap().is_object());
    let directory = |seed: u64| ended.report().join(format!("seed-{seed}")).display().to_string();
    let (one, other) = (directory(1), directory(2));
    // A run that says nothing about the service cannot be compared.
    let compared = if each[0].generator.limits.is_empty() { 0 } else { 2 };
    assert_eq!(program::run(&["compare", &one, &one]).0, Some(compared));
    // Two seeds are no pair.
    assert_eq!(program::run(&["compare", &one, &other]).0, Some(2));
}

#[test]
fn the_library_is_listed_and_shown() {
    let (code, told) = program::run(&["list"]);
    assert_eq!(code, Some(0));
    assert!(STORMS.iter().all(|stored| told.contains(stored.name)), "{told}");
    let (code, told) = program::run(&["list", "push-outage"]);
    assert_eq!(code, Some(0));
    assert!(told.contains("Look for:"), "{told}");
}
