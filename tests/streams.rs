//! Readers who have had enough, full disks, and streams that are not there.

mod common;

use std::fs::File;
use std::process::{Command, Stdio};

use common::{Ended, Reference, check, nobody, stepproof};

/// Runs it with a standard output whose reader is gone before the first word.
fn unread(args: &[&str]) -> Ended {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Ended::of(&stepproof(args).stdout(writer).output().unwrap())
}

/// Runs it with a standard output that takes nothing.
fn full(args: &[&str]) -> Ended {
    let full = File::options().write(true).open("/dev/full").unwrap();
    Ended::of(&stepproof(args).stdout(full).output().unwrap())
}

/// Runs it with this stream closed from the start.
fn closed(stream: u8, args: &[&str]) -> Ended {
    let mut shell = Command::new("bash");
    shell.args([
        "-c",
        &format!("exec \"$0\" \"$@\" {stream}>&-"),
        env!("CARGO_BIN_EXE_stepproof"),
    ]);
    Ended::of(&shell.args(args).stdin(Stdio::null()).output().unwrap())
}

const TOLD: &str = "error: standard output cannot be written: No space left";

#[test]
fn a_reader_who_has_had_enough_changes_no_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().to_str().unwrap();
    let bad = Reference::start(&["--mutant", "old-code-still-valid"]);
    let run = ["check", "--report", report, "--only", "RSND-02", "--seed", "1"];
    let broken = [&run[..], &["--target", &bad.api, "--admin", &bad.admin]].concat();
    for (args, code) in [(&run[..], 0), (&broken, 1)] {
        for ended in [unread(args), closed(1, args), closed(2, args)] {
            assert!(!ended.is(code, &[]).err.contains("error"), "{}", ended.err);
            assert!(dir.path().join("junit.xml").exists() && dir.path().join("report.json").exists());
        }
        let ended = full(args);
        ended.is(if code == 1 { 1 } else { 3 }, &[TOLD]);
        assert!(dir.path().join("junit.xml").exists() && dir.path().join("report.json").exists());
    }
}

#[test]
fn so_it_is_with_every_command() {
    let dir = tempfile::tempdir().unwrap();
    check(dir.path(), &["--only", "RSND-02", "--seed", "1"]).is(0, &[]);
    let record = dir.path().join("run.ndjson");
    let record = record.to_str().unwrap();
    let commands: [&[&str]; 9] = [
        &["check", "--list"],
        &["report", record],
        &["report", record, "--format", "junit"],
        &["report", record, "--format", "json"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["help", "check"],
        &["--version"],
    ];
    for args in commands {
        for ended in [unread(args), closed(1, args), closed(2, args)] {
            assert!(ended.is(0, &[]).err.is_empty(), "{args:?}: {}", ended.err);
        }
        full(args).is(3, &[TOLD]);
    }
    // A wrong call stays one.
    unread(&["check", "--lst"]).is(2, &["--lst"]);
    closed(2, &["check", "--lst"]).is(2, &[]);
    full(&["selftest", "--only", "old-code-still-valid", "--seed", "2"]).is(3, &["caught", TOLD]);
    let explore = ["explore", "--listen", "192.0.2.1:80"];
    unread(&explore).is(2, &["not a loopback address"]);
}

#[test]
fn a_server_whose_greeting_nobody_reads_serves() {
    for full in [false, true] {
        let origin = nobody();
        let listen = origin.trim_start_matches("http://");
        let out: Stdio = if full {
            File::options().write(true).open("/dev/full").unwrap().into()
        } else {
            std::io::pipe().unwrap().1.into()
        };
        let mut child = stepproof(&["serve", "--listen", listen, "--log", "off"])
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(listen).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            std::thread::yield_now();
        }
        common::signal("TERM", child.id());
        let ended = Ended::of(&child.wait_with_output().unwrap());
        ended.is(0, &["stopping"]);
        assert_eq!(
            ended.err.contains("warning: standard output cannot be written"),
            full,
            "{}",
            ended.err
        );
    }
}
