//! A short storm from end to end, as it is called from a shell.

use std::path::Path;
use std::process::{Command, Output};

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stepproof-load"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn everybody_gets_in_when_there_is_little_to_do() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("storm.json");
    let record = path.to_str().unwrap();
    let storm = "storm morning-peak --rate 10 --seconds 2 --users 8 --record".split(' ');
    let arguments: Vec<&str> = storm.chain([record]).collect();
    let run = load(&arguments);
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(told.contains("response time") && told.contains("start lag"), "{told}");
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let count = |name: &str| record["figures"][name].as_u64().unwrap();
    assert!(count("offered") > 5, "{told}");
    assert_eq!(count("offered"), count("completed"), "{told}");
    assert_eq!((count("failed"), count("abandoned")), (0, 0), "{told}");
    assert_eq!(record["exit_code"].as_i64(), run.status.code().map(i64::from), "{told}");
}

#[test]
fn what_cannot_be_a_result_is_refused_before_anything_runs() {
    for wrong in [
        ["--rate", "0"],
        ["--seconds", "-1"],
        ["--rate", "inf"],
        ["--accounts", "3"],
        ["--seconds", "99999"],
    ] {
        let run = load(&[&["storm", "morning-peak"][..], &wrong[..]].concat());
        assert_eq!(run.status.code(), Some(2), "{wrong:?}");
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{wrong:?}");
    }
}
