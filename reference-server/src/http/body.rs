//! Reading a body within the limits.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use serde_json::Map;

use super::connections::ConnectionLimits;
use super::{Outcome, problem};

/// Reads a body within the limits, or says what to answer instead.
pub(crate) async fn read_body(body: Incoming, limits: ConnectionLimits) -> Result<Bytes, Response<Bytes>> {
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let read = Limited::new(body, limits.body).collect();
    match tokio::time::timeout(limits.body_time, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Err(_) => Err(closing(
            "request-timeout",
            "The body did not come in time",
            StatusCode::REQUEST_TIMEOUT,
        )),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(closing(
            "invalid-request",
            "The body could not be read",
            StatusCode::BAD_REQUEST,
        )),
    }
}

fn too_large() -> Response<Bytes> {
    closing("content-too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE)
}

/// A problem after which the connection cannot be used again, because the rest of the body is not read.
fn closing(slug: &'static str, title: &str, status: StatusCode) -> Response<Bytes> {
    let mut response = problem(slug, title, status, Map::new());
    response.extensions_mut().insert(Outcome(slug));
    response
        .headers_mut()
        .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}
