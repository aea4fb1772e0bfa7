//! Bad input, and what goes wrong outside.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Leave, command, record, run, storm};

#[test]
fn nobody_at_the_target_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let began = Instant::now();
    let (code, told) = run(&["storm", "morning-peak", "--quiet", "--target", &format!("http://{free}")]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("cannot be reached"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_target_elsewhere_needs_leave_and_a_ceiling() {
    for more in [&[][..], &["--allow-remote"]] {
        let (code, told) = run(&[&["storm", "morning-peak", "--target", "http://192.0.2.1"], more].concat());
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("--max-rate"), "{told}");
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
    let (code, told) = run(&["storm", &scenario]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("mine.toml:4:1") && told.contains("did you mean `seconds`"),
        "{told}"
    );
    let slo = file("slo.toml", "objectives = [{ party = \"nobody\", p99_ms = 5 }]\n");
    let (code, told) = run(&["storm", "morning-peak", "--slo", &slo]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("slo.toml:1"), "{told}");
}

#[test]
fn too_few_files_are_told_before_anybody_comes() {
    let program = env!("CARGO_BIN_EXE_stepproof-load");
    let script = format!("ulimit -n 64; exec '{program}' storm morning-peak --quiet");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("open files: this process may open 64"), "{told}");
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("report").display().to_string();
    let _leave = Leave::wait();
    let (code, told) = run(&["storm", "morning-peak", "--quiet", "--seconds", "1", "--report", &below]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("cannot be made"), "{told}");
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
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let last = told.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains(&report) && last.contains("File too large"),
        "{told}"
    );
}

#[test]
fn too_few_users_are_the_generators_limit() {
    let ended = storm("app-update", "5", "40", &["--users", "2"]);
    assert_eq!(ended.code, Some(5), "{}", ended.told);
    let limits = ended.record().generator.limits;
    assert!(
        limits.iter().any(|limit| limit.contains("found all 2 users busy")),
        "{limits:?}"
    );
}

/// Starts a storm, and waits until it has begun: the first line of its live view.
fn under_way(scenario: &str, seconds: &str, report: &str) -> (std::process::Child, Pid) {
    let arguments = ["storm", scenario, "--seed", "1", "--seconds", seconds, "--rate", "20"];
    let mut child = command(&[&arguments[..], &["--report", report]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    says(&mut child, "offered");
    let pid = Pid::from_child(&child);
    (child, pid)
}

/// Reads its standard error up to these words.
fn says(child: &mut std::process::Child, what: &str) {
    let mut byte = [0];
    let words = child.stderr.as_mut().unwrap();
    let mut line = Vec::new();
    while !String::from_utf8_lossy(&line).contains(what) {
        words.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
}

#[test]
fn ctrl_c_ends_it_with_a_report_of_what_was_measured() {
    let directory = TempDir::new().unwrap();
    let _leave = Leave::wait();
    let (child, pid) = under_way("morning-peak", "60", &directory.path().display().to_string());
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record(&directory.path().join("record.json"));
    assert!(record.interrupted && record.took_s < 30.0);
    assert!(directory.path().join("report.html").exists());
}

/// Everybody who came still waits for a code to be read when the last one has come.
const SLOW_READERS: &str = r#"
name = "slow-readers"
title = "People who take a minute to read a code"
seconds = 2
drain_s = 120
think = { read_code_s = 60, spread = 0 }

[[parties]]
name = "newcomers"
journey = "new-device"
patience_s = 90
arrivals = { rate = 20 }
"#;

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let directory = TempDir::new().unwrap();
    let scenario = directory.path().join("slow-readers.toml");
    std::fs::write(&scenario, SLOW_READERS).unwrap();
    let report = directory.path().join("report");
    std::fs::create_dir(&report).unwrap();
    // Nobody reads it: the report is never done, and the process has to be ended.
    let pipe = report.join("record.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _leave = Leave::wait();
    // The first line comes three seconds after the last arrival.
    let (mut child, pid) = under_way(&scenario.display().to_string(), "2", &report.display().to_string());
    kill_process(pid, Signal::INT).unwrap();
    says(&mut child, "press Ctrl-C again");
    let again = Instant::now();
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(again.elapsed() < Duration::from_secs(2), "{told}");
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("the record is not complete"), "{told}");
    assert!(!report.join("report.html").exists());
}
