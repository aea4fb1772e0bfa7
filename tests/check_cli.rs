//! `stepproof check` and what is made of its record, on the reference server in the process.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Ended, check, ends, events, stepproof, verdicts};
use serde_json::Value;

#[test]
fn a_whole_run_is_green_and_leaves_its_record_and_reports() {
    let dir = tempfile::tempdir().unwrap();
    let ended = check(dir.path(), &["--seed", "20", "--min-judged", "40"]);
    ended.is(0, &[]);
    for told in ["RSND-02.old-code-is-void", "machine.walk", "seed 20", "requirements judged"] {
        assert!(ended.out.contains(told), "{}", ended.out);
    }
    assert!(!ended.out.contains('\u{1b}'), "no colours into a pipe");
    let events = events(dir.path());
    let (first, last) = (&events[0], &events[events.len() - 1]);
    assert_eq!((&first["event"], &first["seed"]), (&"run_started".into(), &20.into()));
    assert_eq!((&last["event"], &last["exit"]), (&"run_finished".into(), &0.into()));
    assert_eq!(last["interrupted"], false);
    let junit = fs::read_to_string(dir.path().join("junit.xml")).unwrap();
    assert!(junit.contains("RSND-02.old-code-is-void") && junit.contains(r#"failures="0""#));
    let json: Value = serde_json::from_slice(&fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(json["verdicts"].as_array().unwrap().len(), verdicts(&events).len());
}

#[test]
fn a_seed_repeats_a_run_on_any_number_of_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    for jobs in ["1", "6"] {
        let at = dir.path().join(jobs);
        check(
            &at,
            &[
                "--only", "resend", "--only", "machine", "--cases", "6", "--seed", "3", "--jobs", jobs,
            ],
        )
        .is(0, &[]);
        let events = events(&at);
        let mut walks: Vec<_> = events
            .iter()
            .filter(|event| event["event"] == "case")
            .map(|event| (event["case"].as_u64(), event["compared"].as_u64()))
            .collect();
        walks.sort_unstable();
        assert_eq!(walks.len(), 6);
        runs.push((verdicts(&events), walks));
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn each_check_is_green_alone() {
    // Its replay command is this selection; nothing that it leans on may be missing then.
    let list = ends(&["check", "--list"]);
    let ids: Vec<&str> = list.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(ids.len() > 80, "{}", list.out);
    let dir = tempfile::tempdir().unwrap();
    for id in ids.iter().step_by(9) {
        check(dir.path(), &["--only", id, "--seed", "1", "--cases", "2"]).is(0, &[]);
    }
}

#[test]
fn a_filter_that_matches_nothing_is_not_green() {
    let dir = tempfile::tempdir().unwrap();
    check(dir.path(), &["--only", "RSND-99"]).is(4, &["`RSND-99` matches no check", "RSND-02", "--list"]);
    check(dir.path(), &["--skip", "no-such-area"]).is(4, &["`no-such-area` matches no check"]);
    check(dir.path(), &["--only", "RSND-02", "--skip", "resend"]).is(4, &["leaves no check"]);
    check(dir.path(), &["--only", "RSND-02", "--min-judged", "9"]).is(4, &[]);
    assert!(
        fs::read_to_string(dir.path().join("run.ndjson"))
            .unwrap()
            .contains("9 are asked for")
    );
}

#[test]
fn a_wrong_call_has_its_own_end() {
    let dir = tempfile::tempdir().unwrap();
    check(dir.path(), &["--profile", "pci"]).is(2, &["unknown profile `pci`"]);
    check(dir.path(), &["--admin", "http://127.0.0.1:1"]).is(2, &["--target"]);
    check(dir.path(), &["--trace", "/nowhere.json"]).is(2, &["/nowhere.json cannot be read"]);
    // Former spellings mean what they meant.
    check(dir.path(), &["--steps", "/nowhere.json"]).is(2, &["/nowhere.json cannot be read"]);
    check(dir.path(), &["--control", "http://127.0.0.1:1"]).is(2, &["--target"]);
    check(dir.path(), &["--waiting", "soon"]).is(2, &["invalid value 'soon'"]);
    let file = dir.path().join("file");
    fs::write(&file, "{}").unwrap();
    check(&file, &[]).is(2, &["cannot be written", "--report"]);
    check(dir.path(), &["--trace", file.to_str().unwrap()]).is(2, &["holds no steps"]);
    check(dir.path(), &["--binding", file.to_str().unwrap()]).is(2, &[]);
}

#[test]
fn a_full_disk_does_not_stop_the_run_and_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("run.ndjson")).unwrap();
    let ended = check(dir.path(), &["--only", "resend"]);
    ended.is(3, &["could not be written", "run.ndjson", "No space left"]);
    assert!(ended.out.contains("RSND-02.old-code-is-void"), "{}", ended.out);
    assert!(dir.path().join("junit.xml").exists(), "what fits is written");
}

#[test]
fn an_interrupted_run_closes_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().to_str().unwrap();
    for signal in ["INT", "TERM"] {
        let args = [
            "check", "--report", report, "--only", "machine", "--cases", "1000000", "--jobs", "2",
        ];
        let mut child = stepproof(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The record is under way when the first walks are in it.
        let path = dir.path().join("run.ndjson");
        while !fs::read_to_string(&path).is_ok_and(|text| text.contains(r#""event":"case""#)) {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        common::signal(signal, child.id());
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("interrupted: the record is closed")));
        let ended = Ended::of(&child.wait_with_output().unwrap());
        ended.is(3, &[]);
        assert!(ended.out.contains("the run was interrupted"), "{}", ended.out);
        let events = events(dir.path());
        let last = &events[events.len() - 1];
        assert_eq!(
            (&last["event"], &last["interrupted"], &last["exit"]),
            (&"run_finished".into(), &true.into(), &3.into())
        );
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn reports_are_made_again_from_the_record() {
    let dir = tempfile::tempdir().unwrap();
    check(dir.path(), &["--only", "RSND-02", "--seed", "1"]).is(0, &[]);
    let record = dir.path().join("run.ndjson");
    let path = record.to_str().unwrap();
    let made = ends(&["report", path, "--format", "junit"]);
    assert_eq!(made.is(0, &[]).out, fs::read_to_string(dir.path().join("junit.xml")).unwrap());
    let made = ends(&["report", path, "--format", "json"]);
    assert_eq!(
        made.is(0, &[]).out,
        fs::read_to_string(dir.path().join("report.json")).unwrap()
    );
    assert!(ends(&["report", path]).is(0, &[]).out.contains("RSND-02.old-code-is-void"));

    // Without its last line it is the record of an interrupted run.
    let text = fs::read_to_string(&record).unwrap();
    let cut = text.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(&record, cut).unwrap();
    assert!(ends(&["report", path]).is(0, &[]).out.contains("interrupted"));
    let junit = ends(&["report", path, "--format", "junit"]).out;
    assert!(
        junit.contains("the run was interrupted") && junit.contains(r#"errors="1""#),
        "{junit}"
    );
    fs::write(&record, "no record").unwrap();
    ends(&["report", path]).is(2, &["line 1 is no event"]);
    ends(&["report", "/nowhere"]).is(2, &["/nowhere"]);
}

#[test]
fn the_program_describes_itself() {
    assert!(ends(&["completions", "bash"]).is(0, &[]).out.contains("selftest"));
    assert!(ends(&["man"]).is(0, &[]).out.contains(".TH stepproof"));
    ends(&["explore", "--listen", "192.0.2.1:80"]).is(2, &["not a loopback address"]);
    ends(&["selftest", "--only", "no-such-server"]).is(4, &["no mutant `no-such-server`", "selftest --list"]);
    let listed = ends(&["selftest", "--list"]);
    assert!(listed.is(0, &[]).out.contains("old-code-still-valid"), "{}", listed.out);
    let secret = ends(&["check", "--target", "http://user:hunter2@127.0.0.1:1"]);
    secret.is(2, &["an origin holds a user or a password"]);
    assert!(!secret.err.contains("hunter2"), "{}", secret.err);
}

#[test]
fn selftest_shows_who_caught_what() {
    let ended = ends(&["selftest", "--only", "old-code-still-valid", "--seed", "2"]);
    ended.is(0, &[]);
    assert!(
        ended.out.contains("RSND-02.old-code-is-void") && ended.out.contains("1 caught"),
        "{}",
        ended.out
    );
}
