//! Records of runs, and the little they need to be repeated.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};

pub(crate) const CHECK: &str = "DEV-11.old-trust-stays-dead";

/// The events of a run with one breach: two exchanges, the second with what the first gave, and a message.
pub(crate) fn events(status: u16) -> Vec<Value> {
    let exchange = |method: &str, path: &str, headers: Value, body: &str, shapes: Value| {
        json!({
            "event": "exchange", "check": CHECK, "operation": "sign_in", "device": "phone", "source": null,
            "request": {
                "method": method, "url": format!("http://recorded.test{path}"), "headers": headers, "body": body, "shapes": shapes,
            },
            "response": {
                "status": status, "headers": [["Set-Cookie", "sid=‹token#1›; Path=/"]], "body": r#"{"id":"‹token#2›"}"#,
            },
            "started_ms": 1.0, "took_ms": 0.5,
        })
    };
    vec![
        json!({
            "event": "run_started", "at": "2026-01-01T00:00:00Z", "tool": {"name": "stepproof", "version": "0"},
            "target": {"name": "t", "urls": [], "binding": null}, "profile": "faq", "seed": 1, "clock": "none",
            "parameters": {}, "capabilities": ["email"], "selected": 1,
        }),
        json!({"event": "check_started", "check": CHECK, "requirements": ["DEV-11"], "title": "a title"}),
        exchange("GET", "/begin", json!([["Accept", "*/*"]]), "", json!({})),
        exchange(
            "POST",
            "/end?id=‹token#2›",
            json!([["Content-Type", "application/json"], ["Cookie", "sid=‹token#1›"]]),
            r#"{"email":"‹email#1›","code":"‹code#1›"}"#,
            json!({"code#1": "000000"}),
        ),
        json!({
            "event": "verdict", "check": CHECK, "requirement": "DEV-11", "level": "MUST", "verdict": "failed", "reason": "a reason",
            "expected": "a code is asked for", "seen": "none was", "case": null, "story": ["a step"], "curl": "exit 3",
            "took_ms": 1.0, "replay": "stepproof check",
        }),
    ]
}

/// Writes a record and gives its path.
pub(crate) fn write(path: &Path, events: &[Value]) -> String {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    std::fs::write(path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Reads a whole request and gives its first line.
pub(crate) fn request(stream: &mut TcpStream) -> String {
    let mut from = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    from.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    first.trim().to_owned()
}

/// Answers as the recorded server did.
pub(crate) fn answer(stream: &mut TcpStream) {
    let body = r#"{"id":"identity-1234567890"}"#;
    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=cookie-0123456789; Path=/\r\nConnection: close\r\n";
    // The client may have gone away: then nobody is there to be told.
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
}

/// A binding file whose server is started by this line of shell.
pub(crate) fn binding(path: &Path, script: &str) -> String {
    let text = format!(
        "name = \"small\"\n[launch]\ncommand = \"sh\"\nargs = [\"-c\", '''{script}''']\nready = \"^ready\"\ntimeout_s = 60\n\
         [[operations.sign_in.steps]]\nrequest = \"POST /in\"\noutcomes = [{{ outcome = \"challenged\" }}]\n\
         [[operations.verify.steps]]\nrequest = \"POST /code\"\noutcomes = [{{ outcome = \"signed-in\" }}]\n"
    );
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
