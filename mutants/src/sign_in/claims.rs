//! What a client says of itself is believed.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use reference_server::http::{ApiRequest, Middleware, Router};
use serde_json::{Value, json};

use crate::forge::{self, Bearer};
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "step-field-trusted",
        requirement: "SIGN-03",
        part: "http",
        summary: "A request may claim that the second step is complete.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| has_field(request, "step", &json!("complete")),
                at: Step::Both,
            })
        },
    },
    KnownBad {
        slug: "debug-header-skips-2sv",
        requirement: "SIGN-04",
        part: "http",
        summary: "A header left in from development skips the second step.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| request.headers.get("x-debug").is_some_and(|value| value == "1"),
                at: Step::One,
            })
        },
    },
    KnownBad {
        slug: "trusted-field-believed",
        requirement: "SIGN-04",
        part: "http",
        summary: "A device that says that it is trusted is not asked for a code.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| has_field(request, "trusted", &json!(true)),
                at: Step::One,
            })
        },
    },
    KnownBad {
        slug: "remember-cookie-believed",
        requirement: "SIGN-04",
        part: "http",
        summary: "A cookie that anybody can write stands for trust.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| {
                    let cookies = request.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
                    cookies.is_some_and(|cookies| cookies.split("; ").any(|cookie| cookie == "remember=1"))
                },
                at: Step::One,
            });
        },
    },
    KnownBad {
        slug: "query-switches-step-off",
        requirement: "SIGN-04",
        part: "http",
        summary: "A query parameter switches the second step off.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| request.query.as_deref() == Some("two_step=off"),
                at: Step::One,
            })
        },
    },
    KnownBad {
        slug: "debug-field-skips-code",
        requirement: "SIGN-04",
        part: "http",
        summary: "With a field left in from development any code is right.",
        build: |server| {
            server.wrap(Believing {
                claim: |request| has_field(request, "debug", &json!(true)),
                at: Step::Two,
            })
        },
    },
];

/// Where a claim is believed.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    One,
    Two,
    Both,
}

/// Opens a session where a claim stands instead of a second step.
struct Believing {
    claim: fn(&ApiRequest) -> bool,
    at: Step,
}

fn has_field(request: &ApiRequest, name: &str, value: &Value) -> bool {
    tools::body(request).is_some_and(|body| body.get(name) == Some(value))
}

/// The request without the fields that the honest edge does not know.
fn plain(request: &ApiRequest) -> ApiRequest {
    let Some(Value::Object(mut fields)) = tools::body(request) else {
        return request.clone();
    };
    for name in ["step", "trusted", "debug"] {
        fields.remove(name);
    }
    tools::with_body(request, &Value::Object(fields))
}

#[async_trait]
impl Middleware for Believing {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let one = tools::is(&request, &Method::POST, "/v1/sign-ins") && self.at != Step::Two;
        let two = tools::is(&request, &Method::POST, "/v1/challenge/verify") && self.at != Step::One;
        if !(one || two) || !(self.claim)(&request) {
            return next.answer(request).await;
        }
        let answer = next.answer(plain(&request)).await;
        let bearer = match (one, tools::bearer(&request)) {
            (true, _) if answer.status() == StatusCode::ACCEPTED => Bearer::of_sign_in(service, &request).await,
            (false, Some(handle)) if !answer.status().is_success() => Bearer::of_handle(service, handle).await,
            _ => None,
        };
        match bearer {
            Some(bearer) => forge::session(service, &bearer).await.unwrap_or(answer),
            None => answer,
        }
    }
}
