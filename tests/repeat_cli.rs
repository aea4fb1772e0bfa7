//! `stepproof repeat`: what it needs, and a chain run to its end against a server that is there already.

mod common;

use std::fs;

use common::ends;
use serde_json::json;

fn record(dir: &std::path::Path, binding: Option<&str>, chain: &str) -> String {
    let beginning = json!({
        "event": "run_started", "at": "2026-01-01T00:00:00Z", "tool": {"name": "stepproof", "version": "0"},
        "target": {"name": "t", "urls": [], "binding": binding}, "profile": "faq", "seed": 1, "clock": "none",
        "parameters": {}, "capabilities": [], "selected": 1,
    });
    let verdict = json!({
        "event": "verdict", "check": "DEV-11.old-trust-stays-dead", "requirement": "DEV-11", "level": "MUST", "verdict": "failed",
        "reason": null, "expected": "a code is asked for", "seen": "none was", "curl": chain, "took_ms": 1.0, "replay": "",
    });
    let path = dir.join("run.ndjson");
    fs::write(&path, format!("{beginning}\n{verdict}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn it_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = record(dir.path(), None, "exit 0");
    ends(&["repeat", &path]).is(2, &["without a binding", "--binding"]);
    let binding = "targets/bindings/better-auth.toml";
    ends(&["repeat", &path, "--binding", binding, "DEV-01.pending-is-not-trusted"]).is(2, &["no breach of DEV-01"]);
    ends(&["repeat", "no/such/file"]).is(2, &["no/such/file"]);
    let elsewhere = ["repeat", &path, "--binding", binding, "--target", "http://192.0.2.1"];
    ends(&elsewhere).is(2, &["not on this machine"]);
}

#[test]
fn the_chains_own_word_is_the_ending() {
    let dir = tempfile::tempdir().unwrap();
    for (chain, code, told) in [
        ("[ \"$BASE\" = http://127.0.0.1:9 ]", 0, "repeated     DEV-11"),
        ("exit 1", 1, "not repeated DEV-11"),
    ] {
        let path = record(dir.path(), Some("targets/bindings/better-auth.toml"), chain);
        let ended = ends(&["repeat", &path, "--target", "http://127.0.0.1:9/", "--smtp", "127.0.0.1:0"]);
        ended.is(code, &[]);
        assert!(ended.out.contains(told), "{}", ended.out);
    }
}
