//! The judge of answers: what it accepts, and each thing that it must not.

use serde_json::{Value, json};
use specs::openapi::Contract;

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456";

/// An answer to be judged, right until a test breaks it.
struct Answer {
    method: &'static str,
    path: &'static str,
    status: u16,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(method: &'static str, path: &'static str, status: u16, body: &Value) -> Self {
        let content_type = if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        Self {
            method,
            path,
            status,
            content_type: Some(content_type),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        }
        .with("Cache-Control", "no-store")
        .with("X-Content-Type-Options", "nosniff")
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    fn judged(&self) -> Result<(), Vec<String>> {
        let (headers, body) = (&self.headers, &self.body);
        Contract::load().check_response(self.method, self.path, self.status, self.content_type, headers, body)
    }

    fn judged_as_unlisted(&self) -> Result<(), Vec<String>> {
        let (headers, body) = (&self.headers, &self.body);
        Contract::load().check_unlisted(self.method, self.path, self.status, self.content_type, headers, body)
    }
}

/// The answer is refused, for one reason that says this.
fn refused(answer: &Answer, reason: &str) {
    let wrong = answer.judged().expect_err(reason);
    assert!(
        wrong.iter().any(|text| text.contains(reason)),
        "{reason:?} is not among {wrong:?}"
    );
}

fn problem(slug: &str, status: u16) -> Value {
    json!({"type": format!("https://stepproof.dev/problems/{slug}"), "title": "Refused", "status": status})
}

fn challenge() -> Value {
    json!({"challenge": {
        "handle": format!("ch_{TOKEN}"), "id": "chl_0123456789abcdef", "method": "push", "methods": ["push", "email"],
        "expires_at": "2026-03-01T12:05:00.000Z", "resend_at": "2026-03-01T12:00:30.000Z", "ends_at": "2026-03-01T12:15:00.000Z",
        "attempts_left": 5,
    }})
}

fn opened() -> Answer {
    Answer::new("POST", "/v1/sign-ins", 202, &challenge())
}

fn opened_with(path: &str, value: Value) -> Answer {
    let mut body = challenge();
    body["challenge"][path] = value;
    Answer::new("POST", "/v1/sign-ins", 202, &body)
}

#[test]
fn right_answers_are_accepted() {
    let session = json!({
        "session": {
            "access_token": format!("at_{TOKEN}"), "access_expires_at": "2026-03-01T12:15:00.000Z",
            "refresh_token": format!("rt_{TOKEN}"), "expires_at": "2026-03-31T12:00:00.000Z",
        },
        "device": {"id": "dev_0123456789abcdef", "name": "Phone", "trusted": true},
        "trust_token": format!("tt_{TOKEN}"),
    });
    let limited = problem("too-many-attempts", 429);
    let answers = [
        opened(),
        Answer::new("post", "/v1/challenge/verify", 201, &session),
        Answer::new("POST", "/v1/challenge/verify", 401, &problem("code-rejected", 401)).with("www-authenticate", "Bearer"),
        Answer::new("POST", "/v1/challenge/verify", 429, &limited).with("Retry-After", "900"),
        Answer::new("GET", "/v1/devices?page=2", 200, &json!({"devices": []})),
    ];
    for answer in answers {
        assert_eq!(answer.judged(), Ok(()), "{} {}", answer.method, answer.path);
    }
}

#[test]
fn an_answer_without_content_has_neither_body_nor_type() {
    let done = || Answer {
        content_type: None,
        body: Vec::new(),
        ..Answer::new("DELETE", "/v1/devices/dev_no-such", 204, &Value::Null)
    };
    assert_eq!(done().judged(), Ok(()));
    refused(
        &Answer {
            body: b"{}".to_vec(),
            ..done()
        },
        "body where there is none",
    );
    refused(
        &Answer {
            content_type: Some("text/plain"),
            ..done()
        },
        "no content",
    );
}

#[test]
fn what_the_contract_does_not_list_is_refused() {
    refused(
        &Answer {
            path: "/v2/sign-ins",
            ..opened()
        },
        "no such path",
    );
    refused(
        &Answer {
            method: "PUT",
            ..opened()
        },
        "no such method",
    );
    refused(&Answer { status: 200, ..opened() }, "status 200 is not among");
    refused(&Answer { status: 500, ..opened() }, "status 500 is not among");
    refused(
        &Answer {
            content_type: Some("text/html"),
            ..opened()
        },
        "content type text/html",
    );
    refused(
        &Answer {
            content_type: None,
            ..opened()
        },
        "content type is missing",
    );
}

#[test]
fn a_missing_wrong_or_repeated_header_is_refused() {
    refused(&opened().without("Cache-Control"), "`Cache-Control: no-store` is missing");
    refused(
        &opened().without("Cache-Control").with("Cache-Control", "private"),
        "no-store",
    );
    refused(&opened().with("Cache-Control", "public"), "2 times");
    refused(
        &opened().without("X-Content-Type-Options"),
        "X-Content-Type-Options is missing",
    );
    let limited = || Answer::new("POST", "/v1/challenge/resend", 429, &problem("send-too-soon", 429));
    refused(&limited(), "Retry-After is missing");
    refused(&limited().with("Retry-After", "soon"), "Retry-After");
    refused(&limited().with("Retry-After", "0"), "Retry-After");
}

#[test]
fn a_body_that_says_more_less_or_otherwise_is_refused() {
    refused(&opened_with("code", json!("012345")), "code");
    refused(&opened_with("handle", json!("ch_short")), "/challenge/handle");
    refused(&opened_with("handle", json!(format!("at_{TOKEN}"))), "/challenge/handle");
    refused(
        &opened_with("expires_at", json!("2026-03-01T12:05:00.000+01:00")),
        "/challenge/expires_at",
    );
    refused(&opened_with("expires_at", json!("2026-13-01T12:05:00.000Z")), "date-time");
    refused(&opened_with("methods", json!([])), "/challenge/methods");
    refused(&opened_with("attempts_left", json!("5")), "/challenge/attempts_left");
    refused(
        &Answer {
            body: b"{".to_vec(),
            ..opened()
        },
        "no JSON",
    );
    refused(&Answer::new("POST", "/v1/sign-ins", 202, &json!({})), "challenge");
}

#[test]
fn a_handle_is_told_only_where_the_challenge_is_opened() {
    refused(
        &Answer {
            method: "GET",
            path: "/v1/challenge",
            status: 200,
            ..opened()
        },
        "handle",
    );
}

#[test]
fn a_problem_is_refused_where_another_is_due() {
    let answer =
        |slug, status| Answer::new("GET", "/v1/session", status, &problem(slug, status)).with("WWW-Authenticate", "Bearer");
    assert_eq!(answer("session-not-live", 401).judged(), Ok(()));
    refused(&answer("challenge-not-live", 401), "/type");
    refused(&answer("my-own-problem", 401), "/type");
    let mut wrong_status = problem("session-not-live", 401);
    wrong_status["status"] = json!(403);
    let answer = Answer::new("GET", "/v1/session", 401, &wrong_status).with("WWW-Authenticate", "Bearer");
    refused(&answer, "/status");
}

#[test]
fn unlisted_calls_answer_404_and_405_with_the_true_allow() {
    let missing = || Answer::new("GET", "/v1/nowhere", 404, &problem("not-found", 404));
    let put = || Answer::new("PUT", "/v1/session", 405, &problem("method-not-allowed", 405));
    assert_eq!(missing().judged_as_unlisted(), Ok(()));
    assert_eq!(put().with("Allow", "GET, DELETE, HEAD").judged_as_unlisted(), Ok(()));
    for wrong in [
        Answer {
            status: 405,
            ..missing()
        },
        missing().without("Cache-Control"),
        put(),
        put().with("Allow", "GET"),
        put().with("Allow", "GET, DELETE, PUT"),
        Answer {
            method: "GET",
            ..put().with("Allow", "GET, DELETE")
        },
    ] {
        assert!(
            wrong.judged_as_unlisted().is_err(),
            "{} {} {}",
            wrong.method,
            wrong.path,
            wrong.status
        );
    }
}

#[test]
fn request_bodies_are_checked_too() {
    let contract = Contract::load();
    let verify = |body: Value| contract.check_request("POST", "/v1/challenge/verify", &body);
    assert_eq!(verify(json!({"code": "012345"})), Ok(()));
    assert!(verify(json!({"code": 12345})).is_err());
    assert!(verify(json!({"code": "012345", "account": "acc_1"})).is_err());
    assert!(contract.check_request("GET", "/v1/session", &json!({})).is_err());
}

#[test]
fn the_control_interface_is_a_contract_too() {
    let headers = [("Cache-Control".to_owned(), "no-store".to_owned())];
    let clock =
        |body: &[u8]| Contract::load_admin().check_response("POST", "/clock", 200, Some("application/json"), &headers, body);
    assert_eq!(clock(br#"{"now_ms":1767225600000}"#), Ok(()));
    assert!(clock(br#"{"now_ms":"noon"}"#).is_err());
}

#[test]
fn a_document_that_cannot_be_used_is_told_apart() {
    assert!(Contract::parse("paths: [").is_err());
    let dangling = "paths: {/a: {get: {responses: {'200': {content: {application/json: {schema: {$ref: '#/nowhere'}}}}}}}}";
    let headers = [("Cache-Control".to_owned(), "no-store".to_owned())];
    let contract = Contract::parse(dangling).expect("it is YAML");
    let judged = contract.check_response("GET", "/a", 200, Some("application/json"), &headers, b"{}");
    let wrong = judged.expect_err("the schema points to nothing");
    assert!(wrong[0].contains("cannot be used"), "{wrong:?}");
}
