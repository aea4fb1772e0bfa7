//! Answers: JSON, kept by no cache.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

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

pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
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
