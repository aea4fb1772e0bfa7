//! What a client says of itself is believed.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use reference_server::http::{ApiRequest, Middleware, Router};
use serde_json::{Value, json};

use crate::forged_session::{self, Bearer};
use crate::http_util;

mutants! {
    /// A request may claim that the second step is complete.
    "step-field-trusted" breaks "SIGN-03": http = Believing {
        claim: |request| has_field(request, "step", &json!("complete")),
        at: Step::Both,
    };

    /// A header left in from development skips the second step.
    "debug-header-skips-2sv" breaks "SIGN-04": http = Believing {
        claim: |request| request.headers.get("x-debug").is_some_and(|value| value == "1"),
        at: Step::One,
    };

    /// A device that says that it is trusted is not asked for a code.
    "trusted-field-believed" breaks "SIGN-04": http = Believing {
        claim: |request| has_field(request, "trusted", &json!(true)),
        at: Step::One,
    };

    /// A cookie that anybody can write stands for trust.
    "remember-cookie-believed" breaks "SIGN-04": http = Believing {
        claim: |request| {
            let cookies = request.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
            cookies.is_some_and(|cookies| cookies.split("; ").any(|cookie| cookie == "remember=1"))
        },
        at: Step::One,
    };

    /// A query parameter switches the second step off.
    "query-switches-step-off" breaks "SIGN-04": http = Believing {
        claim: |request| request.query.as_deref() == Some("two_step=off"),
        at: Step::One,
    };

    /// With a field left in from development any code is right.
    "debug-field-skips-code" breaks "SIGN-04": http = Believing {
        claim: |request| has_field(request, "debug", &json!(true)),
        at: Step::Two,
    };
}

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
    http_util::body(request).is_some_and(|body| body.get(name) == Some(value))
}

/// The request without the fields that the honest API does not know.
fn plain(request: &ApiRequest) -> ApiRequest {
    let Some(Value::Object(mut fields)) = http_util::body(request) else {
        return request.clone();
    };
    for name in ["step", "trusted", "debug"] {
        fields.remove(name);
    }
    http_util::with_body(request, &Value::Object(fields))
}

#[async_trait]
impl Middleware for Believing {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let one = http_util::is(&request, &Method::POST, "/v1/sign-ins") && self.at != Step::Two;
        let two = http_util::is(&request, &Method::POST, "/v1/challenge/verify") && self.at != Step::One;
        if !(one || two) || !(self.claim)(&request) {
            return next.answer(request).await;
        }
        let answer = next.answer(plain(&request)).await;
        let bearer = match (one, http_util::bearer(&request)) {
            (true, _) if answer.status() == StatusCode::ACCEPTED => Bearer::of_sign_in(service, &request).await,
            (false, Some(handle)) if !answer.status().is_success() => Bearer::of_handle(service, handle).await,
            _ => None,
        };
        match bearer {
            Some(bearer) => forged_session::session(service, &bearer).await.unwrap_or(answer),
            None => answer,
        }
    }
}
