//! Answers: JSON, never cached, problems as RFC 9457.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::problem::{Refusal, problem_type, shape};
use crate::service::Problem;

/// The slug of the problem that was answered, carried beside the response for logs and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Outcome(pub &'static str);

/// An answer with this JSON body.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response<Bytes> {
    answer(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// An answer without a body.
pub(crate) fn empty() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    protect(response.headers_mut());
    response
}

/// A problem of this type, with these members besides.
pub fn problem(slug: &str, title: &str, status: StatusCode, members: Map<String, Value>) -> Response<Bytes> {
    let mut body = Map::new();
    body.insert("type".to_owned(), json!(problem_type(slug)));
    body.insert("title".to_owned(), json!(title));
    body.insert("status".to_owned(), json!(status.as_u16()));
    body.extend(members);
    answer(
        status,
        "application/problem+json",
        Value::Object(body).to_string().into_bytes(),
    )
}

/// A refusal on the wire.
pub(crate) fn refusal(refusal: &Refusal) -> Response<Bytes> {
    let (slug, title, status) = shape(refusal);
    let mut members = Map::new();
    let mut wait = None;
    match refusal {
        Refusal::Service(Problem::InvalidRequest(detail) | Problem::PasswordUnacceptable(detail)) => {
            members.insert("detail".to_owned(), json!(detail));
        }
        Refusal::Service(Problem::UpdateRequired(minimum)) => {
            members.insert("minimum_version".to_owned(), json!(minimum));
        }
        Refusal::Service(
            Problem::TooManyAttempts(seconds)
            | Problem::TooManyChallenges(seconds)
            | Problem::SendTooSoon(seconds)
            | Problem::SendLimit(seconds)
            | Problem::DeliveryFailed(seconds)
            | Problem::Unavailable(seconds),
        ) => wait = Some(*seconds),
        _ => {}
    }
    let mut response = problem(slug, title, status, members);
    response.extensions_mut().insert(Outcome(slug));
    if let Some(seconds) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    if let Refusal::MethodNotAllowed(allowed) = refusal {
        response
            .headers_mut()
            .insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    }
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    protect(headers);
    response
}

/// Kept by no cache, and taken for nothing but what it says it is (HTTP-01).
fn protect(headers: &mut header::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
}
