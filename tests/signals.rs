//! Signals end every command that takes its time: the first in order, the second at once, and with it what it started.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Ended, Reference, ends, nobody, signal, stepproof};

const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

fn piped(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A server, once it greets; and where it listens.
fn server(command: &mut Command) -> (Child, String) {
    let origin = nobody();
    let listen = origin.trim_start_matches("http://").to_owned();
    let mut child = piped(command.args(["serve", "--log", "off", "--listen", &listen]));
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    (child, listen)
}

/// Reads standard error until it says this.
fn says(child: &mut Child, wanted: &str) {
    let mut said = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains(wanted)), "it does not say `{wanted}`");
}

fn ended(child: Child) -> Ended {
    Ended::of(&child.wait_with_output().unwrap())
}

const HEAD: &str =
    "POST /v1/accounts HTTP/1.1\r\nHost: x\r\nApp-Version: 2.3.0\r\nContent-Type: application/json\r\nContent-Length: ";
const BODY: &str = r#"{"email":"ada@example.test","password":"correct horse battery staple"}"#;

/// A request of which half the body is sent, once the server has begun to read it.
fn half(listen: &str) -> TcpStream {
    let mut client = TcpStream::connect(listen).unwrap();
    let length = BODY.len();
    write!(client, "{HEAD}{length}\r\nExpect: 100-continue\r\n\r\n").unwrap();
    let mut line = [0; 25];
    client.read_exact(&mut line).unwrap();
    assert!(line.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&line));
    client.write_all(&BODY.as_bytes()[..9]).unwrap();
    client
}

#[test]
fn a_server_closes_its_door_and_answers_what_is_under_way() {
    for name in SIGNALS {
        let (mut child, listen) = server(&mut stepproof(&[]));
        let mut client = half(&listen);
        signal(name, child.id());
        says(&mut child, "stopping: requests under way are finished");
        while TcpStream::connect(&listen).is_ok() {
            std::thread::yield_now();
        }
        client.write_all(&BODY.as_bytes()[9..]).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{name}: {answer}");
        ended(child).is(0, &[]);
    }
}

#[test]
fn the_second_signal_does_not_wait() {
    let (mut child, listen) = server(&mut stepproof(&[]));
    let _never_finished = half(&listen);
    signal("HUP", child.id());
    says(&mut child, "stopping");
    signal("TERM", child.id());
    ended(child).is(3, &["second signal"]);
}

#[test]
fn who_is_started_to_outlive_the_terminal_does() {
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_stepproof")]);
    let (mut child, listen) = server(shell.stdin(Stdio::null()));
    signal("HUP", child.id());
    // Whoever ignores a signal does so from its first moment on, so it was ignored when this is answered.
    assert!(TcpStream::connect(&listen).is_ok());
    signal("TERM", child.id());
    says(&mut child, "stopping");
    ended(child).is(0, &[]);
}

/// A binding whose server writes down who it is and never says that it is ready, or does.
fn binding(dir: &Path, ready: &str) -> String {
    let path = dir.join("small.toml");
    let pid = dir.join("pid");
    let text = format!(
        "name = 'small'\n[launch]\ncommand = 'sh'\nargs = ['-c', '''echo $$ > {0}.new; mv {0}.new {0}; {ready} exec sleep 600''']\n\
         ready = '^ready (?<origin>\\S+)'\ntimeout_s = 500\n\
         [[operations.sign_in.steps]]\nrequest = 'POST /in'\noutcomes = [{{ outcome = 'challenged' }}]\n\
         [[operations.verify.steps]]\nrequest = 'POST /code'\noutcomes = [{{ outcome = 'signed-in' }}]\n",
        pid.display()
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Gone, or a zombie that only waits to be counted.
fn dead(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat"));
    state.map_or(true, |state| state.contains(") Z "))
}

#[test]
fn what_a_binding_launched_ends_with_the_command() {
    // A server that takes connections and does not answer holds the way in up.
    let silent = common::serve(|mut client| drop(client.read_to_end(&mut Vec::new())));
    for ready in [String::new(), format!("echo ready {silent};")] {
        for command in ["check", "doctor"] {
            for (name, twice) in [("INT", false), ("TERM", false), ("HUP", false), ("TERM", true)] {
                let dir = tempfile::tempdir().unwrap();
                let file = binding(dir.path(), &ready);
                let report = dir.path().join("report");
                let mut call = stepproof(&[command, "--binding", &file]);
                if command == "check" {
                    call.args(["--report", report.to_str().unwrap()]);
                }
                let mut child = piped(&mut call);
                let pid = loop {
                    match fs::read_to_string(dir.path().join("pid")) {
                        Ok(pid) => break pid.trim().to_owned(),
                        Err(_) => assert!(child.try_wait().unwrap().is_none(), "it ended by itself"),
                    }
                    std::thread::yield_now();
                };
                signal(name, child.id());
                says(&mut child, "interrupted");
                if twice {
                    signal(name, child.id());
                }
                ended(child).is(3, &[]);
                while !dead(&pid) {
                    std::thread::yield_now();
                }
            }
        }
    }
}

#[test]
fn the_other_commands_end_too() {
    for name in SIGNALS {
        let mut child = piped(&mut stepproof(&["selftest"]));
        says(&mut child, "the suite on the reference server");
        signal(name, child.id());
        ended(child).is(3, &["interrupted"]);

        if !cfg!(feature = "explore") {
            ends(&["explore"]).is(2, &["built without the explorer", "--features explore"]);
            continue;
        }
        let origin = nobody();
        let mut child = piped(&mut stepproof(&["explore", "--listen", origin.trim_start_matches("http://")]));
        says(&mut child, "the machine is explored");
        signal(name, child.id());
        ended(child).is(0, &["stopping"]);
    }
}

#[test]
fn a_hangup_closes_the_record_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let reference = Reference::start(&[]);
    let report = dir.path().to_str().unwrap();
    let run = [
        "check",
        "--report",
        report,
        "--only",
        "machine",
        "--cases",
        "1000000",
        "--target",
        &reference.api,
    ];
    let mut child = piped(&mut stepproof(&[&run[..], &["--admin", &reference.admin]].concat()));
    while !fs::read_to_string(dir.path().join("run.ndjson")).is_ok_and(|text| text.contains(r#""event":"case""#)) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    signal("HUP", child.id());
    says(&mut child, "interrupted: the record is closed");
    ended(child).is(3, &[]);
    let events = common::events(dir.path());
    assert_eq!(events[events.len() - 1]["interrupted"], true);
}
