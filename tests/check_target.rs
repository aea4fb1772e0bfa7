//! `stepproof check` on targets that are there, that are not, and that are no such thing.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use common::{Reference, check, events, nobody, serve, verdicts};

#[test]
fn a_target_that_is_not_there_is_told_before_any_check() {
    let dir = tempfile::tempdir().unwrap();
    let target = nobody();
    check(dir.path(), &["--target", &target]).is(3, &[&target, "cannot be reached", "is the server running"]);
    assert!(
        std::fs::read_to_string(dir.path().join("run.ndjson"))
            .unwrap_or_default()
            .is_empty()
    );
}

#[test]
fn a_target_on_another_machine_needs_permission() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing is sent: the address is one that no packet reaches.
    check(dir.path(), &["--target", "http://192.0.2.7"]).is(2, &["is not on this machine", "--allow-remote"]);
    check(dir.path(), &["--target", "http://localhost.example.test:80"]).is(2, &["is not on this machine"]);
    let control = ["--target", "http://127.0.0.1:1", "--admin", "http://192.0.2.7"];
    check(dir.path(), &control).is(2, &["192.0.2.7", "--allow-remote"]);
}

#[test]
fn answers_that_are_not_json_are_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let page = "<h1>It works!</h1>";
    let target = serve(move |mut stream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|read| read > 0) {
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let ended = check(dir.path(), &["--target", &target]);
    ended.is(4, &["is not understood", "HTTP 200, text/html", "It works!", "--binding"]);
    assert!(ended.out.is_empty(), "{}", ended.out);
}

#[test]
fn an_address_for_mail_that_is_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let smtp = taken.local_addr().unwrap().to_string();
    let target = format!("http://{smtp}");
    check(dir.path(), &["--target", &target, "--smtp", &smtp]).is(3, &["cannot listen", "in use"]);
}

#[test]
fn codes_that_never_arrive_are_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let reference = Reference::start(&[]);
    let ended = check(dir.path(), &["--target", &reference.api]);
    ended.is(4, &["no code came", "--smtp", "--admin"]);
}

#[test]
fn a_server_of_its_own_is_judged_and_so_is_it_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let reference = Reference::start(&[]);
    for _ in 0..2 {
        let only = [
            "--only", "resend", "--only", "RSND-*", "--only", "DEV-10", "--only", "machine", "--cases", "4",
        ];
        let place = ["--target", &reference.api, "--admin", &reference.admin, "--seed", "1"];
        check(dir.path(), &[&only[..], &place].concat()).is(0, &[]);
    }
}

#[test]
fn a_mutant_fails_with_evidence_that_repeats_it() {
    let dir = tempfile::tempdir().unwrap();
    let bad = Reference::start(&["--mutant", "old-code-still-valid"]);
    let place = ["--target", &bad.api, "--admin", &bad.admin];
    let ended = check(dir.path(), &[&["--only", "RSND-02", "--seed", "1"][..], &place].concat());
    ended.is(1, &[]);
    let replay = format!("replay: stepproof check --target {}/ --admin {}/", bad.api, bad.admin);
    for told in [
        "RSND-02: ",
        "what it means: ",
        "expected: ",
        "seen: ",
        "transcript",
        "curl -sS",
        &replay,
        "‹code#",
    ] {
        assert!(ended.out.contains(told), "`{told}` is not in\n{}", ended.out);
    }
    let secret = regex::Regex::new(r"\b(ch|at|rt|tt)_[A-Za-z0-9_-]{20,}").unwrap();
    let record = std::fs::read_to_string(dir.path().join("run.ndjson")).unwrap();
    assert!(!secret.is_match(&record) && !secret.is_match(&ended.out), "a secret got out");
}

#[test]
fn a_walk_finds_a_code_that_is_not_consumed_and_its_steps_are_walked_again() {
    let dir = tempfile::tempdir().unwrap();
    let bad = Reference::start(&["--mutant", "code-not-consumed"]);
    let place = ["--target", &bad.api, "--admin", &bad.admin];
    let mut found = Vec::new();
    for jobs in ["1", "2"] {
        let report = dir.path().join(jobs);
        let walks = ["--only", "machine.walk", "--cases", "4", "--seed", "1", "--jobs", jobs];
        check(&report, &[&walks[..], &place].concat()).is(1, &[]);
        let events = events(&report);
        let of_it = |event: &&Value| event["event"] == "verdict" && event["requirement"] == "LIFE-03";
        let verdict = events.iter().find(of_it).expect("it is blamed on its requirement").clone();
        assert!(verdict["story"].as_array().unwrap().len() <= 5, "{:#}", verdict["story"]);
        found.push((verdict["case"].clone(), verdict["story"].clone(), verdict["steps"].clone()));
    }
    assert_eq!(found[0], found[1]);

    let saved = dir.path().join("2").join(format!("steps-LIFE-03-{}.json", found[0].0));
    let saved = saved.to_str().unwrap();
    let again = check(dir.path(), &[&["--trace", saved][..], &place].concat());
    assert!(again.is(1, &[]).out.contains("LIFE-03"), "{}", again.out);
    check(dir.path(), &["--trace", saved]).is(0, &[]);
    let case = found[0].0.to_string();
    let alone = check(dir.path(), &[&["--seed", "1", "--case", &case][..], &place].concat());
    assert!(alone.is(1, &[]).out.contains("LIFE-03"), "{}", alone.out);
}

/// Passes so many connections on to the server, and is gone after that.
fn proxy(server: &str, connections: usize) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut open = Vec::new();
        for client in listener.incoming().flatten().take(connections) {
            let Ok(upstream) = TcpStream::connect(&server) else { return };
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), upstream.try_clone().unwrap()),
                (upstream.try_clone().unwrap(), client.try_clone().unwrap()),
            ] {
                thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
            open.push((client, upstream));
        }
        for (client, upstream) in open {
            // Closed already, where the other side was done with it.
            let _ = (client.shutdown(Shutdown::Both), upstream.shutdown(Shutdown::Both));
        }
    });
    origin
}

#[test]
fn a_target_that_dies_in_the_middle_leaves_a_record_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let reference = Reference::start(&[]);
    let dying = proxy(&reference.api, 60);
    let place = ["--target", &dying, "--admin", &reference.admin, "--skip", "version-gate"];
    let ended = check(dir.path(), &place);
    ended.is(3, &[]);
    let events = events(dir.path());
    let verdicts = verdicts(&events);
    let told = |verdict: &str| verdicts.iter().filter(|(_, told)| told == verdict).count();
    assert!(told("passed") > 0 && told("harness-error") > 50, "{verdicts:?}");
    assert!(ended.out.contains("the target could no longer be reached"), "{}", ended.out);
    let last = &events[events.len() - 1];
    assert_eq!((&last["event"], &last["exit"]), (&"run_finished".into(), &3.into()));
}

#[test]
fn a_connection_that_is_cut_once_does_not_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let reference = Reference::start(&[]);
    let server = reference.api.trim_start_matches("http://").to_owned();
    let seen = Arc::new(AtomicUsize::new(0));
    let target = serve(move |client| {
        // The smoke test is over by then, and most checks are not.
        if seen.fetch_add(1, Ordering::SeqCst) == 30 {
            return;
        }
        let upstream = TcpStream::connect(&server).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut from, mut to) = (upstream, client);
        // Ends when either side is done.
        let _ = std::io::copy(&mut from, &mut to);
    });
    let place = [
        "--target",
        &target,
        "--admin",
        &reference.admin,
        "--only",
        "resend",
        "--only",
        "session",
        "--seed",
        "4",
    ];
    check(dir.path(), &place).is(3, &[]);
    let verdicts = verdicts(&events(dir.path()));
    let lost = verdicts.iter().filter(|(_, verdict)| verdict == "harness-error").count();
    assert!(lost == 1 && verdicts.len() > 10, "{verdicts:?}");
}
