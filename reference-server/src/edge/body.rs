//! Reading what a request says: its JSON body, its bearer credential, its version, the address it came from.

use std::net::IpAddr;

use http::header;
use serde::de::DeserializeOwned;

use super::EdgeRequest;
use super::problem::Refusal;
use crate::service::{Problem, Service};

/// Characters of a text a client chooses and others get to see.
const LABEL_MOST: usize = 100;

/// The JSON body, strictly: by its content type, with known fields, each once.
pub(crate) fn read<T: DeserializeOwned>(request: &EdgeRequest) -> Result<T, Refusal> {
    let content_type = request
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::UnsupportedMediaType);
    }
    let mut json = serde_json::Deserializer::from_slice(&request.body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // The path and the kind of fault, never the value: it may be a secret.
        let what = match error.inner().classify() {
            serde_json::error::Category::Data => "missing, unknown, repeated or of the wrong type",
            _ => "not JSON",
        };
        invalid(format!("{path}: {what}"))
    })?;
    json.end()
        .map_err(|_| invalid("something follows the JSON value".to_owned()))?;
    Ok(value)
}

/// As [`read`], where nothing at all means an empty object.
pub(super) fn read_or_nothing<T: DeserializeOwned>(request: &EdgeRequest) -> Result<T, Refusal> {
    if !request.body.is_empty() {
        return read(request);
    }
    serde_json::from_str("{}").map_err(|_| invalid("a body is needed".to_owned()))
}

/// A text that others get to see: neither empty nor long, and without control characters.
pub(super) fn label(field: &str, text: String) -> Result<String, Refusal> {
    let sized = (1..=LABEL_MOST).contains(&text.chars().count());
    if sized && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(invalid(format!(
            "{field}: 1 to {LABEL_MOST} characters, none of them control characters"
        )))
    }
}

/// An opaque text of a client's: neither empty nor long.
pub(super) fn opaque(field: &str, text: String, most: usize) -> Result<String, Refusal> {
    if (1..=most).contains(&text.len()) && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(invalid(format!(
            "{field}: 1 to {most} bytes, none of them control characters"
        )))
    }
}

/// The one bearer credential; none where there is no header, or more than one.
pub(super) fn bearer(request: &EdgeRequest) -> Option<&str> {
    let mut lines = request.headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next()?.to_str().ok()?;
    if lines.next().is_some() {
        return None;
    }
    let (scheme, credential) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// Every app version the request claims.
pub(super) fn versions(request: &EdgeRequest) -> Vec<String> {
    let lines = request.headers.get_all("app-version").iter();
    lines
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// The address that counts.
pub(super) fn source(service: &Service, request: &EdgeRequest) -> IpAddr {
    let lines = request
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> = lines
        .flat_map(|line| line.split(','))
        .filter_map(|hop| hop.trim().parse().ok())
        .collect();
    service
        .parts()
        .rules
        .sources
        .address(request.peer, &hops, &service.settings().trusted_proxies)
}

pub(super) fn invalid(detail: String) -> Refusal {
    Refusal::Service(Problem::InvalidRequest(detail))
}
