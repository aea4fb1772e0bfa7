//! A storm against a server that nobody here wrote, started for real by its binding. Its packages are installed by
//! `scripts/test`.

use std::path::Path;
use std::process::Command;

use loadtest::record::Verdict;
use loadtest::report;

const STORM: &str = r#"
name = "few"
title = "People on new devices"
seconds = 5
drain_s = 120

[[classes]]
name = "few"
flow = "new-device"
device = "push-off"
arrivals = { rate = 1, even = true }
code_patience_s = 60

[slo]
objectives = [{ success = 1.0 }]
"#;

#[test]
fn people_get_into_better_auth_with_the_codes_that_it_mails() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let storm = directory.path().join("few.toml");
    std::fs::write(&storm, STORM).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stepproof-load"))
        .arg("storm")
        .arg(&storm)
        .args(["--quiet", "--seed", "3", "--binding"])
        .arg(root.join("targets/bindings/better-auth.toml"))
        .arg("--report")
        .arg(directory.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    let record = report::json::read(&directory.path().join("record.json")).unwrap_or_else(|error| panic!("{error}: {shown}"));
    let funnel = record.classes[0].funnel;
    assert!(
        funnel.offered >= 5 && funnel.completed == funnel.offered,
        "{funnel:?} {shown}"
    );
    assert_eq!(
        (record.deliveries.push, record.deliveries.email),
        (0, funnel.offered),
        "a code each, by mail"
    );
    assert!(
        record.safety.breaches.is_empty() && record.safety.unjudged == 0,
        "{:?}",
        record.safety
    );
    // A machine that is busy with other tests may make the generator late, and then it says so.
    assert!(
        matches!(record.verdict, Verdict::Passed | Verdict::GeneratorLimited),
        "{:?} {shown}",
        record.verdict
    );
    assert_eq!(output.status.code(), Some(i32::from(record.verdict.exit_code())), "{shown}");
}
