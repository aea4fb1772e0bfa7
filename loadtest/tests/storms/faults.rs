//! Bad input, and what goes wrong outside.

use loadtest::record::Verdict;
use tempfile::TempDir;

use crate::program::{Leave, record, run, storm};

#[test]
fn nobody_at_the_target_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, shown) = run(&["storm", "morning-peak", "--quiet", "--target", &format!("http://{free}")]);
    assert_eq!(code, Some(3), "{shown}");
    // Not for want of an answer.
    assert!(shown.contains("cannot be reached") && shown.contains("refused"), "{shown}");
}

#[test]
fn a_target_elsewhere_needs_leave_and_a_ceiling() {
    for more in [&[][..], &["--allow-remote"]] {
        let (code, shown) = run(&[&["storm", "morning-peak", "--target", "http://192.0.2.1"], more].concat());
        assert_eq!(code, Some(2), "{shown}");
        assert!(shown.contains("--max-rate"), "{shown}");
    }
}

#[test]
fn wrong_files_are_shown_where_they_are_wrong() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let scenario = file(
        "mine.toml",
        "name = \"mine\"\ntitle = \"Mine\"\nseconds = 5\nsecond = 6\nparties = []\n",
    );
    let (code, shown) = run(&["storm", &scenario]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("mine.toml:4:1") && shown.contains("did you mean `seconds`"),
        "{shown}"
    );
    let slo = file("slo.toml", "objectives = [{ class = \"nobody\", p99_ms = 5 }]\n");
    let (code, shown) = run(&["storm", "morning-peak", "--slo", &slo]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("slo.toml:1"), "{shown}");
}

#[test]
fn too_few_files_are_told_before_anybody_comes() {
    let program = env!("CARGO_BIN_EXE_stepproof-load");
    let script = format!("ulimit -n 64; exec '{program}' storm morning-peak --quiet");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("open files: this process may open 64"), "{shown}");
}

#[test]
fn a_storm_of_more_phones_than_files_shares_connections_and_says_so() {
    let directory = TempDir::new().unwrap();
    let (program, report) = (env!("CARGO_BIN_EXE_stepproof-load"), directory.path().display().to_string());
    let script = "ulimit -n 256; exec \"$0\" storm isp-outage --seed 1 --quiet --seconds 5 --rate 60 --report \"$1\"";
    let _leave = Leave::wait();
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", script, program, &report]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(
        shown.contains("this process may open 256") && shown.contains("at most 64 connections stand at once"),
        "{shown}"
    );
    assert!(shown.contains("raise the hard limit"), "{shown}");
    let record = record(&directory.path().join("record.json"));
    let limits = &record.generator.limits;
    assert!(
        !limits.iter().any(|limit| limit.contains("found no file descriptor")),
        "{limits:?}"
    );
    assert_eq!(
        record.classes.iter().map(|class| class.funnel.failed).sum::<u64>(),
        0,
        "{shown}"
    );
    let verdict = if limits.is_empty() {
        Verdict::Passed
    } else {
        Verdict::GeneratorLimited
    };
    assert_eq!(
        (record.verdict, output.status.code()),
        (verdict, Some(verdict.exit_code().into())),
        "{shown}"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("report").display().to_string();
    let _leave = Leave::wait();
    let (code, shown) = run(&["storm", "morning-peak", "--quiet", "--seconds", "1", "--report", &below]);
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("cannot be made"), "{shown}");
}

#[test]
fn a_disk_that_is_full_is_told_with_the_file() {
    let directory = TempDir::new().unwrap();
    let program = env!("CARGO_BIN_EXE_stepproof-load");
    let report = directory.path().join("report").display().to_string();
    // No file may grow beyond some kilobytes. The signal is ignored, so that writing fails as it does on a full disk.
    let script =
        "trap '' XFSZ; ulimit -f 8; exec \"$0\" storm morning-peak --quiet --seed 1 --seconds 2 --rate 20 --report \"$1\"";
    let _leave = Leave::wait();
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", script, program, &report]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    let last = shown.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains(&report) && last.contains("File too large"),
        "{shown}"
    );
}

#[test]
fn too_few_users_are_the_generators_limit() {
    let ended = storm("app-update", "5", "40", &["--max-vus", "2"]);
    assert_eq!(ended.code, Some(5), "{}", ended.shown);
    let limits = ended.record().generator.limits;
    assert!(
        limits.iter().any(|limit| limit.contains("found all 2 users busy")),
        "{limits:?}"
    );
}
