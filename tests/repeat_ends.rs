//! What a command started ends with it, and what it wrote aside is gone, however it ends itself.

mod common;
#[path = "common/record.rs"]
mod record;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{serve, stepproof};

const SIGNALS: [&str; 4] = ["HUP", "INT", "TERM", "KILL"];

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Waits for what has to come; for what does not, a test fails.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Gone, or a zombie that only waits to be counted.
fn dead(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|state| state.contains(") Z "))
        || !Path::new("/proc").join(pid).exists()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|name| name.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn answers_are_gone_when_a_repetition_ends_and_when_it_is_ended() {
    let (hanging, hangs) = mpsc::channel();
    let origin = serve(move |mut stream| {
        if record::request(&mut stream).starts_with("GET /begin") {
            record::answer(&mut stream);
        } else {
            // Held until the client goes away.
            hanging.send(()).unwrap();
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let binding = "targets/bindings/better-auth.toml";
    let start = |events: &[serde_json::Value], name: &str| {
        let aside = dir.path().join(name);
        fs::create_dir(&aside).unwrap();
        let path = record::write(&dir.path().join("run.ndjson"), events);
        let arguments = [
            "repeat",
            &path,
            "--binding",
            binding,
            "--target",
            &origin,
            "--smtp",
            "127.0.0.1:0",
        ];
        let mut command = stepproof(&arguments);
        command.env("TMPDIR", &aside).stdout(Stdio::null()).stderr(Stdio::null());
        (command.spawn().unwrap(), aside)
    };
    let mut whole = record::events(200);
    whole.remove(3);
    let (mut child, aside) = start(&whole, "whole");
    assert!(child.wait().unwrap().success());
    assert_eq!(files(&aside), [""; 0]);
    for name in SIGNALS {
        let (mut child, aside) = start(&record::events(200), name);
        hangs.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(!files(&aside).is_empty(), "it writes there");
        signal(&child, name);
        child.wait().unwrap();
        eventually(name, || files(&aside).is_empty());
    }
}

#[test]
fn a_server_that_is_still_starting_ends_with_the_command() {
    let dir = tempfile::tempdir().unwrap();
    for name in SIGNALS {
        let pids = dir.path().join(name);
        let script = format!(
            "sleep 61 & echo $! > {0}.tmp; echo $$ >> {0}.tmp; mv {0}.tmp {0}; wait",
            pids.display()
        );
        let binding = record::binding(&dir.path().join("small.toml"), &script);
        let report = dir.path().join("report");
        let arguments = ["check", "--binding", &binding, "--report", report.to_str().unwrap()];
        let mut command = stepproof(&arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the server is started", || pids.exists());
        signal(&child, name);
        child.wait().unwrap();
        let started = fs::read_to_string(&pids).unwrap();
        assert_eq!(started.lines().count(), 2);
        eventually(name, || started.lines().all(dead));
    }
}
