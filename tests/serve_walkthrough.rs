//! `stepproof serve` from outside: the printed commands work as they stand, and each way to start it wrong has its own end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(20);

fn stepproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepproof"));
    command.arg("serve").stdin(Stdio::null());
    command
}

/// A server that has greeted; it is killed when a test fails before its end.
struct Serving {
    child: Child,
    greeting: String,
}

impl Serving {
    fn start(args: &[&str]) -> Self {
        let child = stepproof()
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self::of(child.unwrap())
    }

    fn of(mut child: Child) -> Self {
        let greeting = greeting(child.stdout.take().unwrap());
        Self { child, greeting }
    }

    fn script(&self) -> &str {
        let begin = self.greeting.find("{ # walk-through").expect("a walk-through is printed");
        let end = self.greeting.rfind("\n}").unwrap() + 2;
        &self.greeting[begin..end]
    }

    fn address(&self) -> String {
        let line = self
            .greeting
            .lines()
            .find(|line| line.starts_with("Reference server"))
            .unwrap();
        line.split("http://").nth(1).unwrap().trim_end_matches("/v1").to_owned()
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Ended already, where a test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn greeting(out: ChildStdout) -> String {
    let mut text = String::new();
    for line in BufReader::new(out).lines() {
        let line = line.unwrap();
        text.push_str(&line);
        text.push('\n');
        if line == "}" {
            break;
        }
    }
    text
}

fn ends(args: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = stepproof().args(args).output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn the_walk_through_works_when_pasted() {
    let serving = Serving::start(&["--admin", "127.0.0.1:0"]);
    let pasted = Command::new("bash").args(["-c", serving.script()]).output().unwrap();
    let (shown, errors) = (
        String::from_utf8_lossy(&pasted.stdout),
        String::from_utf8_lossy(&pasted.stderr),
    );
    let last = shown.trim_end().lines().last().unwrap_or_default();
    assert!(
        last.contains(r#""email":"ada-"#) && last.contains(r#""trusted":true"#),
        "{}\n{shown}\n{errors}",
        serving.script()
    );
}

#[test]
fn a_terminal_shows_the_code_without_the_admin_api() {
    let mut serving = Serving::start(&["--log", "off"]);
    // What a person does at the prompt: reads the server's terminal.
    let (asks, _) = serving.script().split_once("printf 'the code").expect("the person is asked");
    let asks = format!("{asks}}}");
    assert!(Command::new("bash").args(["-c", &asks]).output().unwrap().status.success());
    serving.signal("TERM");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    let mut shown = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
    assert!(shown.contains("Your verification code is: "), "{shown}");
    assert!(shown.contains("development mailbox"), "{shown}");
}

#[test]
fn every_line_of_a_json_log_is_json_the_mailbox_included() {
    // Messages arrive however little else of the log is asked for.
    for filter in ["info", "error"] {
        let child = stepproof()
            .args(["--listen", "127.0.0.1:0", "--log", "json"])
            .env("STEPPROOF_LOG", filter)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut serving = Serving::of(child.unwrap());
        let (asks, _) = serving.script().split_once("printf 'the code").expect("the person is asked");
        let asks = format!("{asks}}}");
        assert!(Command::new("bash").args(["-c", &asks]).output().unwrap().status.success());
        serving.signal("TERM");
        assert_eq!(serving.child.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        serving.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        let lines: Vec<serde_json::Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        let messages = lines.iter().filter(|line| line["target"] == "stepproof::development_mailbox");
        let texts: Vec<&str> = messages.filter_map(|line| line["fields"]["text"].as_str()).collect();
        assert!(texts.iter().any(|text| text.contains("Your verification code is: ")), "{log}");
        assert_eq!(log.contains("stopping"), filter == "info", "{log}");
    }
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    for signal in ["TERM", "INT"] {
        let mut serving = Serving::start(&[]);
        let mut stream = TcpStream::connect(serving.address()).unwrap();
        let body = r#"{"email":"ada@example.test"}"#;
        let head = format!(
            "POST /v1/password-resets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The server asks for the body: the request is under way.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

        serving.signal(signal);
        let errors = BufReader::new(serving.child.stderr.take().unwrap());
        let (heard, hears) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = errors.lines().map_while(Result::ok);
            // Nobody waits any more, when the test has given up.
            let _ = heard.send(lines.any(|line| line.starts_with("stopping")));
        });
        assert_eq!(hears.recv_timeout(LONG), Ok(true), "{signal} stops the server");
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        assert_eq!(serving.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for args in [&["--listen", &address][..], &["--listen", "127.0.0.1:0", "--admin", &address]] {
        let (code, said) = ends(args);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&address) && said.contains("in use"), "{said}");
    }
}

#[test]
fn a_wrong_call_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("serve.toml");
    std::fs::write(&config, "[settings]\ncode_tll_s = 60\n").unwrap();
    let config = config.display().to_string();
    let nowhere = dir.path().join("none.mmdb").display().to_string();
    for (args, said) in [
        (["--listen", "8080"], "invalid value '8080'"),
        (["--store", "redis://localhost"], "not offered in this version"),
        (["--email", "imap://localhost"], "smtp://"),
        (["--push", "https://fcm.test"], "http://"),
        (["--trusted-proxy", "10.0.0.0/40"], "prefix length"),
        (["--mutant", "no-such-server"], "no mutant"),
        (["--mutant", "old-code-still-vaild"], "did you mean `old-code-still-valid`?"),
        // Former spellings mean what they meant.
        (["--known-bad", "no-such-server"], "no mutant"),
        (["--control", "8080"], "invalid value '8080'"),
        (["--mmdb", &nowhere], "cannot be read"),
        (["--config", &nowhere], "cannot be read"),
        (["--config", &config], "code_tll_s"),
    ] {
        let (code, errors) = ends(&args);
        assert_eq!(code, 2, "{args:?}: {errors}");
        assert!(errors.contains(said), "{args:?}: {errors}");
    }
}
