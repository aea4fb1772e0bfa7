//! The first command works where few files may be open: 256 is what macOS allows, and many a container.

mod common;

use std::process::Command;

use common::Ended;

/// Runs `stepproof` in a shell that was given these limits.
fn under(limit: &str, args: &[&str]) -> Ended {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        &format!("{limit} && exec \"$@\""),
        "sh",
        env!("CARGO_BIN_EXE_stepproof"),
    ]);
    Ended::of(&shell.args(args).output().unwrap())
}

#[test]
fn a_hard_limit_of_256_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().display().to_string();
    // More checks at a time than there are files for: those that find none wait.
    under(
        "ulimit -n 256",
        &["check", "--jobs", "64", "--cases", "8", "--report", &report],
    )
    .is(0, &[]);
}

#[test]
fn a_soft_limit_is_raised() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().display().to_string();
    let args = ["check", "--only", "CODE-02", "--only", "resend", "--report", &report];
    under("ulimit -S -n 64", &args).is(0, &[]);
}
