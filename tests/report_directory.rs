//! One directory holds the files of one run.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::{check, ends, events, nobody, signal, stepproof};

fn walking(record: &Path) -> bool {
    fs::read_to_string(record).is_ok_and(|text| text.contains(r#""event":"case""#))
}

#[test]
fn two_runs_do_not_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().to_str().unwrap();
    let run = [
        "check", "--report", report, "--only", "machine", "--cases", "1000000", "--seed", "1", "--jobs", "1",
    ];
    let mut first = stepproof(&run).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !walking(&dir.path().join("run.ndjson")) {
        assert!(first.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let second = check(dir.path(), &["--only", "RSND-02"]);
    second.is(2, &["another run is under way", report, "hint: ", "--report"]);
    assert!(second.out.is_empty(), "{}", second.out);
    signal("INT", first.id());
    assert_eq!(first.wait().unwrap().code(), Some(3));
    let events = events(dir.path());
    let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!((count("run_started"), count("run_finished")), (1, 1));
    // The directory is free again.
    check(dir.path(), &["--only", "RSND-02"]).is(0, &[]);
}

#[test]
fn nothing_of_an_earlier_run_stands_beside_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let stale = ["junit.xml", "report.json", "steps-LIFE-03-2.json", "junit.xml.part"];
    let others = ["steps-of-mine-1.json", "steps-LIFE-03-mine.json", "notes.txt"];
    for name in stale.iter().chain(&others) {
        fs::write(dir.path().join(name), "[]").unwrap();
    }
    // Neither when the new one does not come to its reports.
    check(dir.path(), &["--target", &nobody()]).is(3, &[]);
    for name in stale {
        assert!(!dir.path().join(name).exists(), "{name} is left");
    }
    check(dir.path(), &["--only", "RSND-02"]).is(0, &[]);
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut wanted = [&[".lock", "junit.xml", "report.json", "run.ndjson"][..], &others].concat();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

#[test]
fn the_steps_that_are_walked_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let steps = dir.path().join("steps-LIFE-03-2.json");
    fs::write(&steps, "[]").unwrap();
    check(dir.path(), &["--trace", steps.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&steps).unwrap(), "[]");
}

#[test]
fn a_record_that_cannot_be_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ndjson");
    let record = path.to_str().unwrap();
    ends(&["report", dir.path().to_str().unwrap()]).is(2, &["Is a directory", "hint: name the run.ndjson in it"]);
    for (bytes, told) in [
        (&b""[..], "no record of a run"),
        (b"\xff\xfe\n{}", "line 1"),
        (b"[[[[\n{}", "line 1"),
    ] {
        fs::write(&path, bytes).unwrap();
        for format in ["text", "junit", "json"] {
            ends(&["report", record, "--format", format]).is(2, &[told]);
        }
    }
}
