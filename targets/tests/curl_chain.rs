//! The curl chain of a flow repeats it against a server that hands out other tokens and codes the second time.

mod common;

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use common::{json, native, request, server};
use targets::{Channel, Device, Exchange, Message, Operation, Outcome, RedactedExchange, Redactor, SecretKind, Target, curl};
use tokio::io::AsyncWriteExt;

/// What the little service knows: accounts, and how many tokens it gave out so far.
#[derive(Default)]
struct Known {
    account: String,
    tokens: usize,
    log: Vec<String>,
}

impl Known {
    fn answer(&mut self, text: &str) -> String {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let line = head.split(" HTTP").next().unwrap_or_default().to_owned();
        let field = |name: &str| {
            serde_json::from_str::<serde_json::Value>(body).ok()?[name]
                .as_str()
                .map(str::to_owned)
        };
        let token = |n: usize| format!("tok-{n}-Zq8$x'`aa");
        let (status, answer) = match line.as_str() {
            "POST /v1/accounts" => {
                self.account = format!("{:?}{:?}", field("email"), field("password"));
                ("202 Accepted", r#"{"status":"accepted"}"#.to_owned())
            }
            "POST /v1/sign-ins" if self.account == format!("{:?}{:?}", field("email"), field("password")) => {
                self.tokens += 1;
                let handle = serde_json::Value::from(token(self.tokens)).to_string().replace("\\\"", "Q");
                (
                    "202 Accepted",
                    format!(
                        r#"{{"challenge":{{"id":"chl_{0}_aaaaaaaaaa","handle":{handle}}}}}"#,
                        self.tokens
                    ),
                )
            }
            "POST /v1/challenge/verify" if head.contains(&token(self.tokens)) => {
                if field("code") == Some(format!("00777{}", self.tokens)) {
                    (
                        "201 Created",
                        r#"{"session":{"access_token":"at_0123456789abcdef","refresh_token":"rt_0"}}"#.to_owned(),
                    )
                } else {
                    let problem = r#"{"type":"https://stepproof.dev/problems/code-rejected","status":401}"#;
                    ("401 Unauthorized", problem.to_owned())
                }
            }
            _ => ("400 Bad Request", "{}".to_owned()),
        };
        self.log.push(format!("{line} {}", &status[..3]));
        json(
            status,
            "application/json",
            "Set-Cookie: app.sid=cookie-value-1234; Path=/\r\n",
            &answer,
        )
    }
}

#[tokio::test]
async fn a_flow_is_repeated_with_fresh_secrets() {
    let known = Arc::new(Mutex::new(Known::default()));
    let origin = server({
        let known = known.clone();
        move |mut socket| {
            let known = known.clone();
            async move {
                let text = request(&mut socket).await;
                let answer = known.lock().unwrap().answer(&text);
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    })
    .await;
    let target = native(&origin, 5000);
    let mut phone = Device::new("phone", "i-1");
    let (email, password) = ("ada@example.test".to_owned(), "correct $horse `\"battery\\".to_owned());
    let steps = [
        Operation::CreateAccount {
            email: email.clone(),
            password: password.clone(),
        },
        Operation::SignIn {
            email: email.clone(),
            password: password.clone(),
        },
        Operation::Verify {
            code: "007772".to_owned(),
        },
        Operation::Verify {
            code: "007771".to_owned(),
        },
    ];
    let mut outcomes = Vec::new();
    for step in steps {
        outcomes.push(target.perform(&mut phone, step).await.unwrap().outcome);
    }
    assert_eq!(outcomes.last(), Some(&Outcome::SignedIn), "{outcomes:?}");
    let first = std::mem::take(&mut known.lock().unwrap().log);

    let mut redactor = Redactor::default();
    let message = Message {
        text: "Your code is 007771".to_owned(),
        code: Some("007771".to_owned()),
        ..Message::new(Channel::Email, &email)
    };
    let messages = [redactor.message(&message)];
    redactor.learn(SecretKind::Password, &password);
    redactor.learn_device(&target, &phone);
    let exchanges = target.transcript().exchanges();
    exchanges.iter().for_each(|exchange| redactor.learn_exchange(exchange));
    let exchanges: Vec<RedactedExchange> = exchanges.iter().map(|exchange| redactor.exchange(exchange)).collect();
    let script = curl::chain(&exchanges, &messages).unwrap();
    // As data it is the same flow: what a record holds gives the same script.
    let recorded = serde_json::to_string(&exchanges).unwrap();
    let recorded: Vec<RedactedExchange> = serde_json::from_str(&recorded).unwrap();
    assert_eq!(curl::chain(&recorded, &messages).unwrap(), script);
    for secret in ["ada@", "$horse", "007771", "007772", "tok-", "at_0123", "cookie-value"] {
        assert!(!script.contains(secret), "{secret} in\n{script}");
    }
    assert!(
        !script.contains('‹'),
        "nothing is left that a repetition cannot have\n{script}"
    );

    let run = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(&script)
        .env("CODE_1", "007772")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if err.contains("curl: not found") {
        // Nothing to repeat the flow with on this machine.
        return;
    }
    assert_eq!(known.lock().unwrap().log, first, "{out}\n{err}\n{script}");
    assert!(run.status.success(), "{out}\n{err}\n{script}");

    // The service has given out two handles by now: the code that was right is wrong, and the script says so.
    let again = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(&script)
        .env("CODE_1", "007772")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let out = String::from_utf8_lossy(&again.stdout);
    assert!(
        !again.status.success() && out.contains("4: HTTP/1.1 401") && out.contains("differs"),
        "{out}"
    );
}

#[tokio::test]
async fn answers_are_gone_also_when_the_script_is_interrupted() {
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
    let origin = server(move |mut socket| {
        let asked = asked.clone();
        async move {
            request(&mut socket).await;
            // Held without an answer until the client goes away.
            let _ = asked.send(());
            let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
        }
    })
    .await;
    let exchange = Redactor::default().exchange(&Exchange {
        operation: None,
        device: "phone".to_owned(),
        source: None,
        method: "GET".to_owned(),
        url: origin,
        request_headers: Vec::new(),
        request_body: Vec::new(),
        status: 200,
        response_headers: Vec::new(),
        response_body: Vec::new(),
        started_ms: 0.0,
        took_ms: 0.0,
    });
    let script = curl::chain(&[exchange], &[]).unwrap();
    for signal in ["HUP", "INT", "TERM"] {
        let aside = tempfile::tempdir().unwrap();
        let mut command = tokio::process::Command::new("sh");
        command
            .arg("-c")
            .arg(&script)
            .env("TMPDIR", aside.path())
            .stdin(Stdio::null());
        let mut shell = command.process_group(0).kill_on_drop(true).spawn().unwrap();
        asks.recv().await.unwrap();
        let files = || std::fs::read_dir(aside.path()).unwrap().count();
        assert_eq!(files(), 1);
        // As a terminal does it: all that is in the foreground.
        let group = format!("-{}", shell.id().unwrap());
        let sent = tokio::process::Command::new("kill")
            .args(["-s", signal, "--", &group])
            .status()
            .await;
        assert!(sent.unwrap().success());
        let ended = shell.wait().await.unwrap();
        assert!(!ended.success() && files() == 0, "{signal}: {ended}");
    }
}
