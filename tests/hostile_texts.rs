//! What a target, its mail, a binding or a record says reaches no terminal and no report as it is.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Ended, Reference, check, ends, serve};
use serde_json::{Value, json};

const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[8m\u{9b}2J\u{85}\r\nerror: forged\u{202e}\u{2028}\u{200b}\u{fffe}\0\u{7f}]]><script>";

/// Whether a terminal would act upon it, or a reader would not see what it is.
fn acted_upon(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}')
}

fn harmless(ended: &Ended) {
    for (stream, text) in [("out", &ended.out), ("err", &ended.err)] {
        let found: Vec<char> = text.chars().filter(|c| acted_upon(*c)).collect();
        assert!(found.is_empty(), "{found:?} in std{stream}:\n{}", text.escape_debug());
        // A chain of commands in a document for programs keeps its lines to the letter.
        let document = text.starts_with("<?xml");
        let forged = text.lines().any(|line| line.starts_with("error: forged"));
        assert!(!forged || document, "a line of somebody else's:\n{text}");
    }
}

/// Parsed by a parser that was not written here.
fn is_xml(path: &Path) {
    let parse = "import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])";
    let parsed = Command::new("python3").args(["-c", parse]).arg(path).output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
}

fn is_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One request of a connection, as it came.
fn request(stream: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    // A client that went away is one that gets no answer.
    let _ = stream.read_exact(&mut body);
    bytes.extend(body);
    bytes
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// Hostile answers, one kind after the other.
fn hostile(nth: usize) -> Vec<u8> {
    let object = json!({ "type": HOSTILE, "title": HOSTILE, "reason": HOSTILE, HOSTILE: HOSTILE, "email": HOSTILE });
    let problem = "Content-Type: application/problem+json\r\n";
    // In a header's value, whatever is no control of ASCII may stand.
    let header = "Content-Type: text/\u{202e}\u{9b}\u{fffe}html\r\nX-\u{202e}: \u{9b}2J\r\n";
    match nth % 5 {
        0 => answer("200 OK", "Content-Type: application/json\r\n", &object.to_string()),
        1 => answer("500 \u{9b}2J", "", HOSTILE),
        2 => answer("403 Forbidden", problem, &object.to_string()),
        3 => answer("200 OK", header, HOSTILE),
        _ => answer("200 OK", "X-Title: \u{1b}]0;owned\u{7}\r\n", ""),
    }
}

/// A server that opens accounts and begins sign-ins as the reference does, and answers all else with hostile texts.
fn target(reference: &str) -> String {
    let reference = reference.trim_start_matches("http://").to_owned();
    let count = Arc::new(AtomicUsize::new(0));
    serve(move |mut client| {
        let request = request(&mut client);
        if [&b"POST /v1/accounts "[..], b"POST /v1/sign-ins "]
            .iter()
            .any(|honest| request.starts_with(honest))
        {
            let mut server = TcpStream::connect(&reference).unwrap();
            server.write_all(&request).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut client, &mut server);
        } else {
            let _ = client.write_all(&hostile(count.fetch_add(1, Ordering::SeqCst)));
        }
    })
}

#[test]
fn a_hostile_target_is_judged_and_touches_neither_the_terminal_nor_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("serve.toml");
    let name = format!(
        "[settings]\nservice_name = {}\n",
        json!("Bank\u{1b}[2J\u{202e}\u{7f}\u{fffe}")
    );
    fs::write(&config, name.replace("\\u001b", "\\u001B").replace('\u{7f}', "\\u007F")).unwrap();
    let reference = Reference::start(&["--config", config.to_str().unwrap()]);
    let target = target(&reference.api);
    let report = dir.path().join("report");
    let place = [
        "--target",
        &target,
        "--admin",
        &reference.admin,
        "--seed",
        "1",
        "--jobs",
        "1",
        "--record-all",
    ];
    let only = [
        "--only", "resend", "--only", "session", "--only", "sign-in", "--only", "attempts",
    ];
    let ended = check(&report, &[&place[..], &only].concat());
    harmless(&ended);
    assert!(
        ended.out.contains(r"\u{1b}]0;owned"),
        "it is seen what it said:\n{}",
        ended.out
    );
    is_xml(&report.join("junit.xml"));
    assert!(
        !is_json(&report.join("report.json"))["verdicts"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let record = report.join("run.ndjson");
    reports_are_harmless(&record, dir.path());
}

/// The reports of this record, on the terminal and as files.
fn reports_are_harmless(record: &Path, dir: &Path) {
    for format in ["text", "junit", "json"] {
        let ended = ends(&["report", record.to_str().unwrap(), "--format", format]);
        harmless(ended.is(0, &[]));
        let file = dir.join(format);
        fs::write(&file, &ended.out).unwrap();
        match format {
            "junit" => is_xml(&file),
            "json" => drop(is_json(&file)),
            _ => {}
        }
    }
}

#[test]
fn a_record_made_by_hand_is_harmless_in_every_field() {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("run.ndjson");
    let (h, curl) = (HOSTILE, format!("curl '{HOSTILE}'\n{HOSTILE}"));
    let events = [
        json!({"event": "run_started", "at": h, "tool": {"name": h, "version": h}, "target": {"name": h, "urls": [h], "binding": h},
            "profile": h, "seed": 1, "clock": h, "parameters": {h: h}, "capabilities": [h], "selected": 1}),
        json!({"event": "check_started", "check": h, "requirements": [h], "title": h}),
        json!({"event": "exchange", "check": h, "device": h, "started_ms": 1e308, "request": {"method": h, "url": h, "body": h},
            "response": {"status": -1e308, "body": h, "headers": {h: h}}, h: h}),
        json!({"event": "delivery", "check": h, "channel": h, "to": h, "text": h, "code": h}),
        json!({"event": "verdict", "check": h, "requirement": "RSND-02", "level": h, "verdict": "failed", "reason": h, "expected": h,
            "seen": h, "case": 1, "story": [h], "steps": [h, {h: h}], "curl": curl, "took_ms": 1e308, "replay": h}),
        json!({"event": "verdict", "check": h, "requirement": h, "level": h, "verdict": "not-tested", "reason": h, "took_ms": -1,
            "replay": h}),
        json!({"event": "run_finished", "at": h, "counts": {"passed": 7}, "requirements_judged": 9, "gaps": [h], "exit": 0,
            "interrupted": false}),
    ];
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    fs::write(&record, lines.join("\n")).unwrap();
    reports_are_harmless(&record, dir.path());
    let path = record.to_str().unwrap();
    let ended = ends(&["report", path]);
    assert!(ended.out.contains("counts 7 passed, its verdicts are 0"), "{}", ended.out);
    let out = dir.path().join("out.xml");
    let ended = ends(&["report", path, "--format", "junit", "--out", out.to_str().unwrap()]);
    harmless(ended.is(0, &["warning: the record contradicts itself"]));
    is_xml(&out);
    // What is no event is quoted, and no more than quoted.
    fs::write(&record, json!({"event": h}).to_string()).unwrap();
    harmless(ends(&["report", path]).is(2, &["line 1", r"\u{1b}]0;owned"]));
}

#[test]
fn what_stands_in_the_way_is_told_without_its_escapes() {
    let dir = tempfile::tempdir().unwrap();
    for nth in 0..5 {
        let target = serve(move |mut client| {
            request(&mut client);
            let _ = client.write_all(&hostile(nth));
        });
        harmless(&check(&dir.path().join(nth.to_string()), &["--target", &target]));
    }
}

#[test]
fn a_binding_that_is_wrong_is_shown_without_its_escapes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.toml");
    let path = path.to_str().unwrap();
    for text in [
        format!("name = \"{HOSTILE}\""),
        format!(
            "\"{}\" = 1\n",
            HOSTILE.replace(['\r', '\n', '\0', '\u{1b}', '\u{7}', '\u{7f}'], "")
        ),
    ] {
        fs::write(path, text).unwrap();
        harmless(ends(&["doctor", "--binding", path]).is(2, &[r"\u{202e}"]));
        harmless(check(dir.path(), &["--binding", path]).is(2, &[r"\u{202e}"]));
        harmless(ends(&["serve", "--config", path]).is(2, &[r"\u{202e}"]));
    }
    let script = "printf 'up \\033[2J\\302\\2332J\\r\\n' >&2; exit 1";
    let operations = "[[operations.sign_in.steps]]\nrequest = 'POST /in'\noutcomes = [{ outcome = 'challenged' }]\n\
        [[operations.verify.steps]]\nrequest = 'POST /code'\noutcomes = [{ outcome = 'signed-in' }]\n";
    let launch =
        format!("name = 'small'\n[launch]\ncommand = 'sh'\nargs = ['-c', '''{script}''']\nready = '^ready'\n{operations}");
    fs::write(path, launch).unwrap();
    harmless(ends(&["doctor", "--binding", path]).is(3, &["left before it was ready", r"up \u{1b}[2J"]));
}
