//! Reading what a request says: its JSON body, its bearer credential, its version, the address it came from.

use std::net::IpAddr;

use http::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::forwarded::readable_hops;
use super::json_object::Object;
use super::problem::Refusal;
use super::request::ApiRequest;
use crate::policy::passwords::MAX_PASSWORD_CHARS;
use crate::service::{Problem, Service};

/// Characters of a text that a client chooses and others get to see.
const MAX_LABEL_CHARS: usize = 128;

/// What RFC 5321 leaves an address.
const MAX_EMAIL_CHARS: usize = 254;

pub(crate) const MAX_PUSH_TOKEN_BYTES: usize = 4096;

pub(crate) const MAX_INSTALLATION_BYTES: usize = 128;

/// Separators included.
const MAX_CODE_BYTES: usize = 64;

/// The JSON body, strictly: by its content type, with known fields, each once.
pub(crate) fn read<T: DeserializeOwned>(request: &ApiRequest) -> Result<T, Refusal> {
    if !is_json(request) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let mut json = serde_json::Deserializer::from_slice(&request.body);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
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

/// Whether the one content type is JSON in UTF-8. Nothing that a page of another origin may send unasked is (INPUT-06).
fn is_json(request: &ApiRequest) -> bool {
    let mut lines = request.headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next().and_then(|line| line.to_str().ok()), lines.next()) else {
        return false;
    };
    let mut parts = line.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// No body, or an empty object: an operation that takes nothing.
pub(crate) fn read_nothing(request: &ApiRequest) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    if !request.body.is_empty() {
        let Nothing {} = read(request)?;
    }
    Ok(())
}

/// A text that others get to see: neither empty nor long, and without control characters.
pub(crate) fn label(field: &str, text: String) -> Result<String, Refusal> {
    let sized = (1..=MAX_LABEL_CHARS).contains(&text.chars().count());
    if sized && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(invalid(format!(
            "{field}: 1 to {MAX_LABEL_CHARS} characters, none of them control characters"
        )))
    }
}

/// An opaque text of a client's: neither empty nor long.
pub(crate) fn opaque(field: &str, text: String, most: usize) -> Result<String, Refusal> {
    if (1..=most).contains(&text.len()) && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(invalid(format!(
            "{field}: 1 to {most} bytes, none of them control characters"
        )))
    }
}

/// An identifier as typed, not longer than any can be.
pub(super) fn email(text: String) -> Result<String, Refusal> {
    if (1..=MAX_EMAIL_CHARS).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(invalid(format!("email: 1 to {MAX_EMAIL_CHARS} characters")))
    }
}

/// A password as typed, whatever it is made of. Longer than any can be, it is refused before it costs a hash (INPUT-02).
pub(super) fn password(field: &str, text: String) -> Result<String, Refusal> {
    if (1..=MAX_PASSWORD_CHARS).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(invalid(format!("{field}: 1 to {MAX_PASSWORD_CHARS} characters")))
    }
}

/// A code as typed, without surrounding spaces and one separator in it; nothing else is made equal (INPUT-05).
pub(super) fn code(text: &str) -> Result<String, Refusal> {
    if !(1..=MAX_CODE_BYTES).contains(&text.len()) {
        return Err(invalid(format!("code: 1 to {MAX_CODE_BYTES} bytes")));
    }
    let bare = text.trim_matches(' ');
    Ok(match bare.split_once([' ', '-']) {
        Some((left, right)) if [left, right].iter().all(|half| is_digits(half)) => format!("{left}{right}"),
        _ => bare.to_owned(),
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The one bearer credential; none where there is no header, or more than one: a proxy might have looked at the other.
pub(super) fn bearer(request: &ApiRequest) -> Option<&str> {
    let mut lines = request.headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next()?.to_str().ok()?;
    if lines.next().is_some() {
        return None;
    }
    let (scheme, credential) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// Every app version the request claims.
pub(super) fn versions(request: &ApiRequest) -> Vec<String> {
    let lines = request.headers.get_all("app-version").iter();
    lines
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// The address that counts.
pub(super) fn source(service: &Service, request: &ApiRequest) -> IpAddr {
    let hops = readable_hops(&request.headers);
    service
        .policy()
        .source_address(request.peer, &hops, &service.config().trusted_proxies)
}

pub(super) fn invalid(detail: String) -> Refusal {
    Refusal::Service(Problem::InvalidRequest(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Option<String> {
        code(text).ok()
    }

    #[test]
    fn a_code_is_its_digits_and_nothing_like_them() {
        for text in ["012345", " 012345 ", "012 345", "012-345"] {
            assert_eq!(typed(text).as_deref(), Some("012345"), "{text}");
        }
        for text in [
            "12345",
            "+012345",
            "-012345",
            "0 1 2 3 4 5",
            "\u{ff10}12345",
            "012\u{a0}345",
            "012345\n",
            "______",
            "012345-",
        ] {
            assert_ne!(typed(text).as_deref(), Some("012345"), "{text}");
        }
        assert_eq!(typed(""), None);
        assert_eq!(typed(&"0".repeat(65)), None);
    }
}
