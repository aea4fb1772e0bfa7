//! `stepproof repeat`: what it needs, and chains run to their end against a server that is there already.

mod common;
#[path = "common/record.rs"]
mod record;

use std::sync::{Arc, Mutex};

use common::{ends, serve};
use serde_json::json;

const BINDING: &str = "targets/bindings/better-auth.toml";

#[test]
fn it_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = record::write(&dir.path().join("run.ndjson"), &record::events(200));
    ends(&["repeat", &path]).is(2, &["a binding is needed", "--binding", "without a binding"]);
    ends(&["repeat", &path, "--binding", BINDING, "DEV-01.pending-is-not-trusted"]).is(2, &["no breach of DEV-01"]);
    ends(&["repeat", "no/such/file"]).is(2, &["no/such/file"]);
    let elsewhere = ["repeat", &path, "--binding", BINDING, "--target", "http://192.0.2.1"];
    ends(&elsewhere).is(2, &["not on this machine"]);
    let mut passed = record::events(200);
    passed[4]["verdict"] = json!("passed");
    let path = record::write(&dir.path().join("passed.ndjson"), &passed);
    ends(&["repeat", &path, "--binding", BINDING]).is(2, &["no breach that can be repeated"]);
}

#[test]
fn the_recorded_exchanges_are_repeated_at_the_server_that_was_named() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let origin = serve({
        let asked = asked.clone();
        move |mut stream| {
            let first = record::request(&mut stream);
            asked.lock().unwrap().push(first);
            record::answer(&mut stream);
        }
    });
    let dir = tempfile::tempdir().unwrap();
    for (status, code, told) in [(200, 0, "repeated     DEV-11"), (401, 1, "not repeated DEV-11")] {
        let path = record::write(&dir.path().join("run.ndjson"), &record::events(status));
        let ended = ends(&[
            "repeat",
            &path,
            "--binding",
            BINDING,
            "--target",
            &origin,
            "--smtp",
            "127.0.0.1:0",
        ]);
        ended.is(code, &[]);
        assert!(ended.out.contains(told), "{}", ended.out);
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!(asked, ["GET /begin HTTP/1.1", "POST /end?id=identity-1234567890 HTTP/1.1"]);
    }
}
