//! What stands before the standard streams: somebody else's words made harmless, and a reader that has gone.

use std::process::Stdio;

use loadtest::record::Verdict;
use tempfile::TempDir;

use crate::program::{Leave, command, run};

const SCENARIO: &str = r#"
name = "x\u001b]0;owned\u0007; touch owned"
title = "a\u001b[2J\u202e\u2028\r\nerror: forged"
about = "\u009b2Jabout"
look_for = ["\u0000\r\nerror: forged"]
seconds = 1

[[classes]]
name = "\u001b[8mparty\nerror: forged"
flow = "trusted-sign-in"
device = "trusted"
arrivals = { rate = 10 }

[[phases]]
name = "\u001b[2Jphase"
from_s = 0
"#;

fn harmless(shown: &str) {
    let acted_upon = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202e}');
    let found: Vec<char> = shown.chars().filter(|c| acted_upon(*c)).collect();
    assert!(found.is_empty(), "{found:?} in\n{}", shown.escape_debug());
    assert!(!shown.lines().any(|line| line.trim_start().starts_with("error:")), "{shown}");
}

#[test]
fn a_scenario_reaches_no_terminal_as_it_is() {
    let directory = TempDir::new().unwrap();
    let scenario = directory.path().join("hostile.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let report = directory.path().join("report").display().to_string();
    let scenario = scenario.display().to_string();
    let (code, shown) = run(&["list", &scenario]);
    assert_eq!(code, Some(0), "{shown}");
    harmless(&shown);
    let _leave = Leave::wait();
    let (_, shown) = run(&["storm", &scenario, "--seed", "1", "--quiet", "--report", &report]);
    assert!(
        shown.contains(r"storm 'x\u{1b}]0;owned\u{7}; touch owned' --seed 1"),
        "{shown}"
    );
    harmless(&shown);
    // So small a storm may say too little to be compared.
    let file = directory.path().join("report/record.json");
    let mut held = crate::program::record(&file);
    held.verdict = Verdict::Passed;
    held.generator.limits.clear();
    std::fs::write(&file, serde_json::to_vec(&held).unwrap()).unwrap();
    let record = file.display().to_string();
    let (code, shown) = run(&["compare", &record, &record, "--json"]);
    assert_eq!(code, Some(0), "{shown}");
    harmless(&shown);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["storm"], "x\u{1b}]0;owned\u{7}; touch owned");
}

/// Runs it with nobody at the other end of standard output: its exit code, and what it says on standard error.
fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(arguments);
    let ended = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_reader_that_has_gone_changes_no_exit_code() {
    for arguments in [&["list"][..], &["list", "isp-outage"], &["list", "isp-outage", "--toml"]] {
        assert_eq!(unread(arguments), (Some(0), String::new()), "{arguments:?}");
    }
    let directory = TempDir::new().unwrap();
    let report = directory.path().join("report").display().to_string();
    let small = [
        "storm",
        "isp-outage",
        "--seed",
        "1",
        "--quiet",
        "--seconds",
        "1",
        "--rate",
        "10",
    ];
    let _leave = Leave::wait();
    let (code, shown) = unread(&[&small[..], &["--report", &report]].concat());
    let record = crate::program::record(&directory.path().join("report/record.json"));
    assert_eq!(code, Some(record.verdict.exit_code().into()), "{shown}");
    assert!(
        shown.contains("record and reports: ") && !shown.contains("panicked"),
        "{shown}"
    );
    assert!(!shown.contains("error:"), "{shown}");
}

/// What is to be kept in a file and is not kept there is told.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ended = command(&["list"]).stdout(full).output().unwrap();
    let shown = String::from_utf8_lossy(&ended.stderr);
    assert!(shown.contains("error: standard output cannot be written: "), "{shown}");
}
