//! Signals to a storm, and to what comes before it.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Leave, command, record};

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

fn ends_with_a_report_of_what_was_measured(signal: Signal) {
    let directory = TempDir::new().unwrap();
    let _leave = Leave::wait();
    let (child, pid) = under_way("morning-peak", "600", &directory.path().display().to_string());
    kill_process(pid, signal).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record(&directory.path().join("record.json"));
    assert!(record.interrupted && record.took_s < 300.0, "{}", record.took_s);
    assert!(directory.path().join("report.html").exists());
}

#[test]
fn ctrl_c_ends_it_with_a_report() {
    ends_with_a_report_of_what_was_measured(Signal::INT);
}

#[test]
fn a_supervisor_that_ends_it_gets_a_report() {
    ends_with_a_report_of_what_was_measured(Signal::TERM);
}

#[test]
fn a_terminal_that_is_closed_leaves_a_report() {
    ends_with_a_report_of_what_was_measured(Signal::HUP);
}

#[test]
fn who_wants_it_to_outlive_the_terminal_has_it_so() {
    let directory = TempDir::new().unwrap();
    let (program, report) = (env!("CARGO_BIN_EXE_stepproof-load"), directory.path().display().to_string());
    // As `nohup` does.
    let script = "trap '' HUP; exec \"$0\" storm morning-peak --seed 1 --seconds 600 --rate 20 --report \"$1\"";
    let _leave = Leave::wait();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, program, &report])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut child = shell.stderr(Stdio::piped()).spawn().unwrap();
    says(&mut child, "offered");
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::HUP).unwrap();
    says(&mut child, "offered");
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

const BINDING: &str = r#"
name = "hanging"
[launch]
command = "sh"
args = ["-c", "exec 3> 'PIPE'; GOES_ON sleep 600 & wait"]
ready = '^READY$'
timeout_s = 600
[[operations.create_account.steps]]
request = "POST /accounts"
outcomes = [{ outcome = "done" }]
[[operations.sign_in.steps]]
request = "POST /in"
outcomes = [{ outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
outcomes = [{ outcome = "signed-in" }]
"#;

/// A binding of a server that holds the named pipe open for as long as it, or what it started, lives: the pipe is the second.
fn binding(directory: &Path, goes_on: &str, ready: &str) -> (String, PathBuf) {
    let pipe = directory.join("alive");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = BINDING
        .replace("PIPE", &pipe.display().to_string())
        .replace("GOES_ON", goes_on)
        .replace("READY", ready);
    let file = directory.join("hanging.toml");
    std::fs::write(&file, text).unwrap();
    (file.display().to_string(), pipe)
}

fn against(binding: &str, report: &Path) -> std::process::Child {
    let report = report.display().to_string();
    let arguments = [
        "storm",
        "morning-peak",
        "--seconds",
        "5",
        "--max-vus",
        "8",
        "--binding",
        binding,
        "--report",
        &report,
    ];
    let mut command = command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the server has opened the pipe: it runs. A storm that ends before that has its reasons, which are shown.
fn runs(mut storm: std::process::Child, pipe: PathBuf) -> (std::process::Child, std::fs::File) {
    let (opened, opens) = std::sync::mpsc::channel();
    std::thread::spawn(move || opened.send(std::fs::File::open(pipe).unwrap()));
    loop {
        if let Ok(alive) = opens.recv_timeout(Duration::from_millis(50)) {
            return (storm, alive);
        }
        if storm.try_wait().unwrap().is_some() {
            let output = storm.wait_with_output().unwrap();
            panic!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// The storm ended in order before it began, and nothing that it started is left: the pipe is read to its end.
fn ended_with_all_it_started(child: std::process::Child, mut alive: std::fs::File) {
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("stopped before the storm began"), "{shown}");
    alive.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_server_that_is_still_starting_ends_with_it() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let directory = TempDir::new().unwrap();
        let (file, pipe) = binding(directory.path(), "", "never said");
        let child = against(&file, directory.path());
        let (child, alive) = runs(child, pipe);
        kill_process(Pid::from_child(&child), signal).unwrap();
        ended_with_all_it_started(child, alive);
    }
}

#[test]
fn a_server_that_accounts_are_made_at_ends_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = TempDir::new().unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (file, pipe) = binding(directory.path(), &format!("echo ready {origin};"), "ready (?<origin>.*)");
    let child = against(&file, directory.path());
    let (child, alive) = runs(child, pipe);
    // Somebody signs up, and is never answered.
    let _asking = listener.accept().unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    ended_with_all_it_started(child, alive);
}

/// Everybody who came still waits for a code to be read when the last one has come.
const SLOW_READERS: &str = r#"
name = "slow-readers"
title = "People who take a minute to read a code"
seconds = 2
drain_s = 120
think = { read_code_s = 60, spread = 0 }

[[classes]]
name = "newcomers"
flow = "new-device"
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
    let shown = String::from_utf8_lossy(&output.stderr);
    // Without it, somebody would wait a minute for a code to be read, and then for ever for the record.
    assert!(again.elapsed() < Duration::from_secs(30), "{shown}");
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("the record is not complete"), "{shown}");
    assert!(!report.join("report.html").exists());
}
