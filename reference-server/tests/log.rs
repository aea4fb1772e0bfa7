//! The whole flow with everything that is logged and counted kept: no password, code, token, handle, address or device name is
//! in it, whoever logs it and at whatever level; and what happened to an account is logged with the account's id, which stands
//! nowhere else. On the way, each answer is judged by the contract.

mod common;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use common::{admin, judged, request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reference_server::adapters::admin::Admin;
use reference_server::adapters::prometheus;
use reference_server::{ConnectionLimits, serve};
use serde_json::{Value, json};
use specs::openapi::Contract;
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

const EMAIL: &str = "ada.lovelace@example.test";
const PASSWORD: &str = "correct horse battery staple";

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A client over the network that remembers every secret it was told.
struct Flow {
    admin: Admin,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<bytes::Bytes>>,
    origin: String,
    contract: Contract,
    secrets: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

impl Flow {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let admin = admin();
        let service = admin.service.clone();
        tokio::spawn(serve(listener, service, ConnectionLimits::default(), std::future::pending()));
        Self {
            admin,
            client: Client::builder(TokioExecutor::new()).build_http(),
            origin,
            contract: Contract::load(),
            secrets: BTreeSet::from([EMAIL.to_owned(), PASSWORD.to_owned()]),
            accounts: BTreeSet::new(),
        }
    }

    async fn ask(&mut self, method: &str, path: &str, bearer: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let asked = request(method, path, bearer, body.as_ref());
        let mut wire = http::Request::new(Full::new(asked.body.clone()));
        *wire.method_mut() = asked.method.clone();
        *wire.uri_mut() = format!("{}{path}", self.origin).parse().unwrap();
        *wire.headers_mut() = asked.headers.clone();
        let (head, body) = self.client.request(wire).await.unwrap().into_parts();
        let answer = http::Response::from_parts(head, body.collect().await.unwrap().to_bytes());
        let (status, body) = judged(&self.contract, &asked, &answer);
        self.learn(&body);
        (status, body)
    }

    fn learn(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.starts_with("acc_") => {
                self.accounts.insert(text.clone());
            }
            Value::String(text)
                if ["ch_", "at_", "rt_", "tt_", "pr_", "dev_", "chl_"]
                    .iter()
                    .any(|p| text.starts_with(p)) =>
            {
                self.secrets.insert(text.clone());
            }
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Object(members) => members.values().for_each(|value| self.learn(value)),
            _ => {}
        }
    }

    /// What stands after these words in the latest message.
    fn mailed(&mut self, after: &str) -> String {
        let messages = self.admin.mailbox.as_ref().unwrap().messages_to(EMAIL);
        let text = messages
            .iter()
            .rev()
            .find_map(|message| message.text.split_once(after))
            .unwrap()
            .1;
        let secret = text.split_whitespace().next().unwrap().to_owned();
        self.secrets.insert(secret.clone());
        secret
    }

    async fn walk(&mut self) {
        let account = json!({"email": EMAIL, "password": PASSWORD});
        self.ask("POST", "/v1/accounts", None, Some(account)).await;
        let sign_in = json!({"email": EMAIL, "password": PASSWORD,
            "device": {"installation": "installation-of-ada", "name": "Ada's engine", "push_token": "push-token-of-ada"}});
        self.secrets
            .extend(["installation-of-ada", "push-token-of-ada", "Ada's engine"].map(str::to_owned));
        let (status, challenge) = self.ask("POST", "/v1/sign-ins", None, Some(sign_in)).await;
        assert_eq!(status, 202);
        let handle = text(&challenge, "/challenge/handle");
        let code = self.mailed("code is: ");
        self.ask("GET", "/v1/challenge", Some(&handle), None).await;
        let wrong: String = code.chars().rev().map(|c| if c == '0' { '1' } else { '0' }).collect();
        self.secrets.insert(wrong.clone());
        self.ask("POST", "/v1/challenge/verify", Some(&handle), Some(json!({"code": wrong})))
            .await;
        self.ask("POST", "/v1/challenge/resend", Some(&handle), None).await;
        let (status, session) = self
            .ask("POST", "/v1/challenge/verify", Some(&handle), Some(json!({"code": code})))
            .await;
        assert_eq!(status, 201);
        let access = text(&session, "/session/access_token");
        for path in ["/v1/session", "/v1/devices", "/v1/challenges", "/v1/activity", "/v1/two-step"] {
            assert_eq!(self.ask("GET", path, Some(&access), None).await.0, 200, "{path}");
        }
        let device = text(&session, "/device/id");
        self.ask(
            "PATCH",
            &format!("/v1/devices/{device}"),
            Some(&access),
            Some(json!({"name": "Loom"})),
        )
        .await;
        let refresh = json!({"refresh_token": text(&session, "/session/refresh_token")});
        self.ask("POST", "/v1/session/refresh", None, Some(refresh)).await;
        self.ask("POST", "/v1/password-resets", None, Some(json!({"email": EMAIL})))
            .await;
        let reset = json!({"token": self.mailed("Reset token: "), "new_password": "a new horse altogether"});
        self.secrets.insert("a new horse altogether".to_owned());
        self.ask("POST", "/v1/password-resets/complete", None, Some(reset)).await;
        self.ask("DELETE", &format!("/v1/devices/{device}"), Some(&access), None)
            .await;
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

fn free_of(secrets: &BTreeSet<String>, text: &str, which: impl Debug) {
    for secret in secrets {
        // A code of six digits may stand anywhere by chance, so it is looked for as a word.
        let found = text.match_indices(secret.as_str()).find(|(at, _)| {
            let near = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
            !near(text[..*at].chars().next_back()) && !near(text[at + secret.len()..].chars().next())
        });
        assert!(found.is_none(), "{secret:?} stands in the {which:?}:\n{text}");
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_counted() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(kept.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .finish();
    // The runtime of this test has this thread alone, so everything it does is heard.
    let _heard = tracing::subscriber::set_default(subscriber);
    let mut flow = Flow::start().await;
    flow.walk().await;

    let log = kept.text();
    for route in ["/v1/sign-ins", "/v1/challenge/verify", "/v1/devices/{id}"] {
        assert!(log.contains(route), "{route} is not logged:\n{log}");
    }
    assert!(log.contains("code-rejected") && log.contains("127.0.0.0/24"), "{log}");
    // The client of this test says where it connects to, which is no business of the server's.
    let own = log.lines().filter(|line| line.contains("reference_server"));
    let whole: Vec<&str> = own.filter(|line| line.contains("127.0.0.1")).collect();
    assert!(whole.is_empty(), "a whole address is logged: {whole:?}");
    free_of(&flow.secrets, &log, "log");
    let (events, rest): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.contains(" security: "));
    for outcome in ["SecondStepFailed", "SignedIn", "DeviceRenamed", "PasswordReset"] {
        let logged = events.iter().any(|line| line.contains(outcome) && line.contains("acc_"));
        assert!(logged, "{outcome} is not logged: {events:#?}");
    }
    free_of(&flow.accounts, &rest.join("\n"), "log");
    let counted = prometheus::render(flow.admin.service.metrics(), 1);
    assert!(
        counted.contains(r#"stepproof_verifications_total{outcome="code-rejected"} 1"#),
        "{counted}"
    );
    free_of(&flow.secrets, &counted, "metrics");
    free_of(&flow.accounts, &counted, "metrics");
}
