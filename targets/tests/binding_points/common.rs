//! A scripted server, and a target bound to it.

use std::path::Path;

use targets::binding::{self, BoundTarget};
use targets::{Answer, Channel, DeliveryLog, Device, HttpClient, Limits, Message, Operation, Target, Transcript};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// `sign_in` and `verify`, for bindings that are about something else.
pub(crate) const REST: &str = r#"
[[operations.sign_in.steps]]
request = "POST /in"
json = { email = "{email}" }
outcomes = [{ status = 200, outcome = "challenged" }]
[[operations.verify.steps]]
request = "POST /code"
json = { code = "{code}", trust = "{trust}" }
outcomes = [{ status = 200, outcome = "signed-in" }]
"#;

pub(crate) struct Scripted {
    pub(crate) server: MockServer,
    pub(crate) target: BoundTarget,
}

/// A target by this binding, over a server that says nothing yet.
pub(crate) async fn scripted(binding: &str) -> Scripted {
    let server = MockServer::start().await;
    let text = format!("name = \"scripted\"\n{binding}");
    let binding = binding::parse(Path::new("scripted.toml"), &text).unwrap_or_else(|error| panic!("{error:?}"));
    let wire = HttpClient::new(Limits::default(), Transcript::default()).expect("a client");
    let deliveries = DeliveryLog::new(binding.patterns());
    Scripted {
        target: BoundTarget::new(binding, server.uri(), deliveries, wire),
        server,
    }
}

impl Scripted {
    /// The server answers this request so.
    pub(crate) async fn says(&self, verb: &str, at: &str, answer: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .mount(&self.server)
            .await;
    }

    pub(crate) async fn perform(&self, device: &mut Device, operation: Operation) -> Answer {
        let answer = self.target.perform(device, operation).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What was sent, in order: method, path, body.
    pub(crate) async fn sent(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.expect("are recorded");
        let line = |r: &Request| format!("{} {} {}", r.method, r.url.path(), String::from_utf8_lossy(&r.body));
        requests.iter().map(|request| line(request).trim_end().to_owned()).collect()
    }
}

pub(crate) fn device() -> Device {
    Device::new("phone", "i-1")
}

pub(crate) fn sign_in() -> Operation {
    Operation::SignIn {
        email: "a@x.test".to_owned(),
        password: "correct horse".to_owned(),
    }
}

pub(crate) fn verify(code: &str) -> Operation {
    Operation::Verify { code: code.to_owned() }
}

pub(crate) fn json(status: u16, body: serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(crate) fn mail(to: &str, text: &str) -> Message {
    Message {
        text: text.to_owned(),
        ..Message::new(Channel::Email, to)
    }
}
