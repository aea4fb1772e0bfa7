//! Answers: JSON, never cached, problems as RFC 9457.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use super::problem::{Refusal, problem_type, shape};
use crate::policy::RateLimited;
use crate::service::Problem;

/// The slug of the problem that was answered, carried beside the response for logs and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Outcome(pub &'static str);

/// An answer with this JSON body.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response<Bytes> {
    // Serde fails on maps whose keys are no texts, and on types that say so themselves; no view has either.
    let body = serde_json::to_vec(body).expect("every view can be written as JSON");
    answer(status, "application/json", body)
}

/// An answer without a body.
pub(crate) fn empty() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    protect(response.headers_mut());
    response
}

/// A refusal on the wire: a problem by RFC 9457, and the headers that belong to its status.
pub(crate) fn refusal(refusal: &Refusal) -> Response<Bytes> {
    let (slug, title, status) = shape(refusal);
    let mut body = json!({
        "type": problem_type(slug),
        "title": title,
        "status": status.as_u16(),
    });
    let mut wait = None;
    match refusal {
        Refusal::Service(Problem::InvalidRequest(detail) | Problem::PasswordUnacceptable(detail)) => {
            body["detail"] = json!(detail);
        }
        Refusal::Service(Problem::UpdateRequired(minimum)) => body["minimum_version"] = json!(minimum),
        Refusal::Service(
            Problem::RateLimited(RateLimited { retry_after, .. })
            | Problem::DeliveryFailed { retry_after }
            | Problem::Unavailable { retry_after },
        ) => wait = Some(*retry_after),
        _ => {}
    }
    let mut response = answer(status, "application/problem+json", body.to_string().into_bytes());
    response.extensions_mut().insert(Outcome(slug));
    let headers = response.headers_mut();
    if let Some(wait) = wait {
        // Whole seconds, rounded up: whoever comes back then is not refused again.
        let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Refusal::MethodNotAllowed(allowed) = refusal {
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if refusal.ends_connection() {
        // hyper reads this header of an answer, too: it closes the connection once the answer is written.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    protect(headers);
    response
}

/// Kept by no cache, and taken for nothing but what it says it is (HTTP-01).
fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
