//! A record is data, whoever mailed it: whatever it says, nothing of it is run, started or read as a file.

mod common;
#[path = "common/record.rs"]
mod record;

use std::fs;
use std::path::Path;

use common::{Ended, serve, stepproof};
use serde_json::{Value, json};

/// Runs as a script, breaks out of every kind of quotes, out of a comment, and out of a template.
const ID: &str = "id > OWNED\n'\nid > OWNED\n\"\nid > OWNED\n`id > OWNED`$(id > OWNED)${IFS}\\'$(id > OWNED)\\";
/// Is carried where control characters are not, and could be an option, or a file to read.
const PLAIN: &str = "-$(id > OWNED)`id > OWNED`'$(id > OWNED)'\"$(id > OWNED)\";id > OWNED;@/etc/hostname";
/// Nothing that could be a number of a step.
const NUMBER: f64 = 1e300;

fn binding() -> String {
    format!("{}/targets/bindings/better-auth.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Every place of an event that holds text or a number, as a pointer; names of fields are places too.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => (0..)
            .zip(items)
            .for_each(|(n, item): (usize, _)| places(item, &format!("{at}/{n}"), found)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        _ => found.push(at.to_owned()),
    }
}

/// Repeats a record in a directory of its own, which is empty afterwards.
fn repeats(events: &[Value], origin: &str, what: &str) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().join("here");
    fs::create_dir(&here).unwrap();
    let path = record::write(&dir.path().join("run.ndjson"), events);
    let arguments = [
        "repeat",
        &path,
        "--binding",
        &binding(),
        "--target",
        origin,
        "--smtp",
        "127.0.0.1:0",
    ];
    let ended = Ended::of(
        &stepproof(&arguments)
            .current_dir(&here)
            .env("TMPDIR", &here)
            .output()
            .unwrap(),
    );
    assert!(is_empty(&here), "{what} made a file: {}\n{}", ended.out, ended.err);
    assert!(
        [0, 1, 2].contains(&ended.code) && !ended.err.contains("panicked"),
        "{what}: {} {}",
        ended.code,
        ended.err
    );
    ended
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

fn server() -> String {
    serve(|mut stream| {
        record::request(&mut stream);
        record::answer(&mut stream);
    })
}

#[test]
fn a_command_in_any_place_of_a_record_is_not_run() {
    let (events, origin) = (record::events(200), server());
    let mut hostile = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let mut found = Vec::new();
        places(event, "", &mut found);
        for place in found {
            let is_number = event.pointer(&place).is_some_and(Value::is_number);
            let puts = [
                (true, json!(ID)),
                (event["event"] == "exchange", json!(PLAIN)),
                (is_number, json!(NUMBER)),
            ];
            for put in puts.into_iter().filter_map(|(fits, put)| fits.then_some(put)) {
                let mut events = events.clone();
                *events[at].pointer_mut(&place).unwrap() = put.clone();
                hostile.push((events, format!("{put} at {place} of event {at}")));
            }
        }
    }
    let mut names = events.clone();
    names[3]["request"]["shapes"] = json!({ "code#1": ID, ID: ID });
    names[3]["request"]["body_base64"] = json!("AAEk");
    names[3]["request"]["headers"] = json!([["X", PLAIN]]);
    names[3]["request"]["url"] = json!(format!("http://{PLAIN}"));
    hostile.push((names, "all at once".to_owned()));
    // Most of the time of each is spent waiting for messages that do not come.
    let (next, hostile) = (std::sync::atomic::AtomicUsize::new(0), &hostile);
    std::thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                while let Some((events, what)) = hostile.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    repeats(events, &origin, what);
                }
            });
        }
    });
}

#[test]
fn the_binding_that_a_record_names_is_shown_and_not_started() {
    let dir = tempfile::tempdir().unwrap();
    let evil = record::binding(&dir.path().join("evil.toml"), "id > OWNED; echo ready");
    let mut events = record::events(200);
    events[0]["target"]["binding"] = json!(evil);
    let path = record::write(&dir.path().join("run.ndjson"), &events);
    let ended = Ended::of(&stepproof(&["repeat", &path]).current_dir(dir.path()).output().unwrap());
    ended.is(2, &["a binding is needed", "--binding", "evil.toml"]);
    assert!(!dir.path().join("OWNED").exists());
}

#[test]
fn what_cannot_be_sent_is_told_before_anything_is_started() {
    let origin = server();
    for (place, put, told) in [
        ("/request/method", json!("$(id)"), "method"),
        ("/request/url", json!("/no/origin"), "address"),
        ("/request/url", json!("file:///etc/hostname"), "address"),
        ("/request/headers/0/0", json!("@/etc/hostname"), "header name"),
        ("/request/headers/0/1", json!("a\nb"), "header value"),
        ("/source", json!("127.0.0.1; id"), "exchange 1 of DEV-11"),
        ("/response/status", json!(-1), "exchange 1 of DEV-11"),
    ] {
        let mut events = record::events(200);
        *events[2].pointer_mut(place).unwrap() = put;
        let ended = repeats(&events, &origin, place);
        ended.is(2, &["run.ndjson", told]);
    }
    let mut many = record::events(200);
    let exchange = many[2].clone();
    many.splice(2..2, std::iter::repeat_n(exchange, 3000));
    repeats(&many, &origin, "many").is(2, &["3002 exchanges"]);
}
