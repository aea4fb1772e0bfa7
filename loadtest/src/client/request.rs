//! Each operation as a request of the reference API, with next to nothing in between.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use targets::native::request::{Sender, bearer, body, path};
use targets::{CredentialKind, Operation};

use super::Phone;
use super::lines::Service;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const APP_VERSION: HeaderName = HeaderName::from_static("app-version");

/// The request of this phone for this operation. A credential it does not hold is left out; what HTTP cannot carry is told.
pub(super) fn build(service: &Service, phone: &Phone, operation: &Operation) -> Result<http::Request<Full<Bytes>>, String> {
    let sender = Sender {
        installation: &phone.installation,
        name: &phone.name,
        push_token: phone.push_token.as_deref(),
        trust_token: phone.trust.as_deref(),
        refresh_token: phone.refresh.as_deref(),
    };
    let body = body(operation, &sender).map(|body| serde_json::to_vec(&body)).transpose();
    let body = body.map_err(|error| error.to_string())?;
    let has_body = body.is_some();
    let mut request = http::Request::new(Full::new(Bytes::from(body.unwrap_or_default())));
    let call = operation.kind().call();
    *request.method_mut() = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
    *request.uri_mut() = match path(operation) {
        Cow::Borrowed(path) if service.prefix.is_empty() => Uri::from_static(path),
        path => format!("{}{path}", service.prefix)
            .parse()
            .map_err(|error: http::uri::InvalidUri| error.to_string())?,
    };
    let headers = request.headers_mut();
    headers.reserve(5);
    headers.insert(HOST, service.host.clone());
    headers.insert(ACCEPT, JSON);
    if has_body {
        headers.insert(CONTENT_TYPE, JSON);
    }
    if let Some(version) = &phone.app_version {
        headers.insert(APP_VERSION, value(version)?);
    }
    let held = match bearer(operation.kind()) {
        Some(CredentialKind::Handle) => phone.handle.as_deref(),
        Some(CredentialKind::Access) => phone.access.as_deref(),
        _ => None,
    };
    if let Some(token) = held {
        headers.insert(AUTHORIZATION, value(&["Bearer ", token].concat())?);
    }
    Ok(request)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "a header that HTTP cannot carry".to_owned())
}
