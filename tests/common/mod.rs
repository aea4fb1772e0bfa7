//! What the tests of the front door share.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program with these arguments.
pub(crate) fn stepproof(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepproof"));
    command.args(args).stdin(Stdio::null());
    command
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended with this code and said each of these on standard error.
    pub(crate) fn is(&self, code: i32, said: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for said in said {
            assert!(self.err.contains(said), "`{said}` is not in\n{}", self.err);
        }
        self
    }
}

/// Runs the program to its end.
pub(crate) fn ends(args: &[&str]) -> Ended {
    Ended::of(&stepproof(args).output().unwrap())
}

/// Runs `check` with its reports in this directory.
pub(crate) fn check(report: &Path, args: &[&str]) -> Ended {
    let report = report.to_str().unwrap();
    ends(&[&["check", "--report", report], args].concat())
}

/// Sends a signal to a process that a test started.
pub(crate) fn signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
}

/// The events of the record in this directory.
pub(crate) fn events(report: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(report.join("run.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The verdicts among them, each the check with its verdict, sorted.
pub(crate) fn verdicts(events: &[Value]) -> Vec<(String, String)> {
    let word = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let verdicts = events.iter().filter(|event| event["event"] == "verdict");
    let mut verdicts: Vec<_> = verdicts.map(|event| (word(event, "check"), word(event, "verdict"))).collect();
    verdicts.sort();
    verdicts
}

/// An origin where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that hands each connection to this function, on a thread of its own.
pub(crate) fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let each = std::sync::Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            std::thread::spawn(move || each(stream));
        }
    });
    origin
}

/// A reference server of its own process, with its admin API; killed when dropped.
pub(crate) struct Reference {
    child: std::process::Child,
    pub(crate) api: String,
    pub(crate) admin: String,
}

impl Reference {
    pub(crate) fn start(more: &[&str]) -> Self {
        use std::io::{BufRead, BufReader};
        let any = "127.0.0.1:0";
        let mut command = stepproof(&["serve", "--listen", any, "--admin", any, "--log", "off"]);
        let child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap();
        // It greets when it listens, and tells where.
        let mut greeting = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let mut told = |what: &str| {
            let line = greeting.find(|line| line.starts_with(what));
            let line = line.unwrap_or_else(|| panic!("the reference server tells no `{what}`"));
            let origin = &line[line.find("http://").unwrap()..];
            origin.trim_end_matches("/v1").to_owned()
        };
        let (api, admin) = (told("Reference server:"), told("Admin API:"));
        Self { child, api, admin }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Ended already, where a test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
