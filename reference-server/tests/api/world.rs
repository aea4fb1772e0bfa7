//! A server on a free port with a clock that stands still and a mailer that keeps everything, and the phones that use it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reference_server::ports::{ManualClock, Message, MessageContent, Recipient, RecordingMailer};
use reference_server::service::SignIn;
use reference_server::{Config, ConnectionLimits, Deps, Service, serve};
use serde_json::{Value, json};
use specs::openapi::Contract;
use tokio::net::TcpListener;

pub(crate) const OWNER: &str = "owner@x.test";
pub(crate) const PASSWORD: &str = "a long walk home";

/// A phone with the app, and what it holds.
#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) name: String,
    pub(crate) push: Option<String>,
    pub(crate) version: &'static str,
    pub(crate) source: String,
    pub(crate) handle: String,
    pub(crate) challenge: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) trust: Option<String>,
    pub(crate) id: String,
}

impl Phone {
    pub(crate) fn new(name: &str) -> Self {
        let none = String::new;
        Self {
            name: name.to_owned(),
            push: None,
            version: "2.3.0",
            source: "192.0.2.1".to_owned(),
            handle: none(),
            challenge: none(),
            access: none(),
            refresh: none(),
            trust: None,
            id: none(),
        }
    }

    pub(crate) fn with_push(mut self) -> Self {
        self.push = Some(format!("push-of-{}", self.name));
        self
    }

    pub(crate) fn at(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }
}

/// An answer that the contract allows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    /// Status and, for a problem, its name.
    pub(crate) fn is(&self) -> (u16, &str) {
        let slug = self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next());
        (self.status, slug.unwrap_or(""))
    }

    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} in {self:?}")).to_owned()
    }
}

/// Step one without the network, as the service is asked.
pub(crate) fn attempt(email: String, password: &str, trust_token: Option<String>) -> SignIn {
    SignIn {
        installation: email.clone(),
        email,
        password: password.to_owned(),
        trust_token,
        name: "phone".to_owned(),
        push_token: None,
        versions: vec!["2.3.0".to_owned()],
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Service,
    mailer: Arc<RecordingMailer>,
    contract: Contract,
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::composed(change, |_| ()).await
    }

    /// As [`Self::with`], with other parts.
    pub(crate) async fn composed(change: impl FnOnce(&mut Config), compose: impl FnOnce(&mut Deps)) -> Self {
        let mut config = Config {
            // The tests are a proxy, so that they can speak for any address.
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            ..Config::default()
        };
        change(&mut config);
        let (clock, mailer) = (Arc::new(ManualClock::default()), Arc::new(RecordingMailer::default()));
        clock.freeze(true);
        let mut deps = Deps::for_tests(clock.clone(), mailer.clone());
        deps.store = crate::store();
        compose(&mut deps);
        let service = Service::new(deps, config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(
            listener,
            service.clone(),
            ConnectionLimits::default(),
            std::future::pending(),
        ));
        Self {
            clock,
            service,
            mailer,
            contract: Contract::load(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            origin,
        }
    }

    /// Any request, as it stands.
    pub(crate) async fn send(&self, request: http::Request<Vec<u8>>) -> Answer {
        let (mut head, body) = request.into_parts();
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        head.uri = format!("{}{}", self.origin, head.uri).parse().unwrap();
        let wire = http::Request::from_parts(head, Full::new(Bytes::from(body)));
        let (head, body) = self.client.request(wire).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let status = head.status.as_u16();
        let judge = if matches!(status, 404 | 405)
            && self
                .contract
                .operations()
                .iter()
                .all(|known| known.method != method.as_str() || !matches(&known.path, &path))
        {
            Contract::check_unlisted
        } else {
            Contract::check_response
        };
        let judged = judge(
            &self.contract,
            method.as_str(),
            &path,
            status,
            header("content-type"),
            &headers,
            &body,
        );
        judged.unwrap_or_else(|wrong| panic!("{method} {path} {status}: {wrong:?}\n{}", String::from_utf8_lossy(&body)));
        Answer {
            status,
            retry_after: header("retry-after").map(|seconds| seconds.parse().unwrap()),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// A request as the app makes it.
    pub(crate) async fn ask(&self, phone: &Phone, method: &str, path: &str, bearer: &str, body: Option<Value>) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("app-version", phone.version)
            .header("x-forwarded-for", &phone.source);
        if !bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.send(request.body(body).unwrap()).await
    }

    /// A request with the phone's session.
    pub(crate) async fn call(&self, phone: &Phone, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask(phone, method, path, &phone.access, body).await
    }

    pub(crate) async fn create(&self, email: &str) {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.ask(&Phone::new("x"), "POST", "/v1/accounts", "", Some(body)).await;
        assert_eq!(answer.status, 202);
    }

    pub(crate) async fn sign_in(&self, phone: &mut Phone, email: &str, password: &str) -> Answer {
        let mut body = json!({"email": email, "password": password, "device": {"installation": phone.name, "name": phone.name}});
        if let Some(trust) = &phone.trust {
            body["trust_token"] = json!(trust);
        }
        if let Some(push) = &phone.push {
            body["device"]["push_token"] = json!(push);
        }
        let answer = self.ask(phone, "POST", "/v1/sign-ins", "", Some(body)).await;
        match answer.status {
            201 => keep(phone, &answer),
            202 => {
                phone.handle = answer.text("/challenge/handle");
                phone.challenge = answer.text("/challenge/id");
            }
            _ => {}
        }
        answer
    }

    pub(crate) async fn verify(&self, phone: &mut Phone, code: &str) -> Answer {
        let body = json!({"code": code});
        let answer = self
            .ask(phone, "POST", "/v1/challenge/verify", &phone.handle, Some(body))
            .await;
        if answer.status == 201 {
            keep(phone, &answer);
        }
        answer
    }

    pub(crate) async fn resend(&self, phone: &Phone) -> Answer {
        self.ask(phone, "POST", "/v1/challenge/resend", &phone.handle, None).await
    }

    pub(crate) async fn by_email(&self, phone: &Phone) -> Answer {
        let body = json!({"method": "email"});
        self.ask(phone, "POST", "/v1/challenge/method", &phone.handle, Some(body))
            .await
    }

    /// Both steps, until the phone is trusted.
    pub(crate) async fn trusted(&self, phone: Phone, email: &str) -> Phone {
        let mut phone = phone;
        assert_eq!(self.sign_in(&mut phone, email, PASSWORD).await.status, 202);
        let code = self.code(&phone);
        assert_eq!(self.verify(&mut phone, &code).await.status, 201);
        phone
    }

    /// The newest code of the phone's challenge.
    pub(crate) fn code(&self, phone: &Phone) -> String {
        self.codes(phone).pop().map(|(_, code)| code).unwrap()
    }

    /// Every code message of the phone's challenge: to whom, and which code.
    pub(crate) fn codes(&self, phone: &Phone) -> Vec<(Recipient, String)> {
        let taken = self.mailer.taken().into_iter();
        let codes = taken.filter_map(|Message { to, content }| match content {
            MessageContent::Code { code, challenge, .. } if *challenge.0 == *phone.challenge => Some((to, code)),
            _ => None,
        });
        codes.collect()
    }

    /// A code that is not this one.
    pub(crate) fn wrong(right: &str) -> String {
        right.chars().map(|c| if c == '0' { '1' } else { '0' }).collect()
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.mailer.taken()
    }

    /// The first thing of this kind among the messages, once it is there: some leave in the background.
    pub(crate) async fn eventually<T>(&self, find: impl Fn(&[Message]) -> Option<T>) -> T {
        let there = async {
            loop {
                if let Some(found) = find(&self.mailer.taken()) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), there).await.unwrap()
    }

    /// The newest reset token mailed to this address, once there are so many.
    pub(crate) async fn reset_token(&self, email: &str, nth: usize) -> String {
        self.eventually(|messages| {
            let tokens = messages.iter().filter_map(|message| match &message.content {
                MessageContent::Reset { token, .. } if message.to == Recipient::Email(email.to_owned()) => Some(token.clone()),
                _ => None,
            });
            tokens.clone().nth(nth)
        })
        .await
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1000);
    }
}

fn keep(phone: &mut Phone, answer: &Answer) {
    phone.access = answer.text("/session/access_token");
    phone.refresh = answer.text("/session/refresh_token");
    phone.id = answer.text("/device/id");
    if answer.body.get("trust_token").is_some() {
        phone.trust = Some(answer.text("/trust_token"));
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(&path).all(|(t, p)| t == p || t.starts_with('{'))
}
