//! Each operation as a request of the reference API, with next to nothing in between.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method as Verb, Uri};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;
use targets::{Channel, Operation};

use super::Phone;
use super::lines::Service;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const APP_VERSION: HeaderName = HeaderName::from_static("app-version");

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

#[derive(Serialize)]
struct SignIn<'a> {
    email: &'a str,
    password: &'a str,
    device: Installed<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_token: Option<&'a str>,
}

#[derive(Serialize)]
struct Installed<'a> {
    installation: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_token: Option<&'a str>,
}

#[derive(Serialize)]
struct Verify<'a> {
    code: &'a str,
}

#[derive(Serialize)]
struct Switch {
    method: Channel,
}

#[derive(Serialize)]
struct Refresh<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangePassword<'a> {
    current_password: &'a str,
    new_password: &'a str,
}

/// What is asked, where.
struct Route {
    verb: Verb,
    path: Cow<'static, str>,
    body: Option<Vec<u8>>,
}

/// The request of this phone for this operation. A credential it does not hold is left out; what HTTP cannot carry is told.
pub(super) fn build(service: &Service, phone: &Phone, operation: &Operation) -> Result<http::Request<Full<Bytes>>, String> {
    let route = route(phone, operation).map_err(|error| error.to_string())?;
    let has_body = route.body.is_some();
    let mut request = http::Request::new(Full::new(Bytes::from(route.body.unwrap_or_default())));
    *request.method_mut() = route.verb;
    *request.uri_mut() = match route.path {
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
    if let Some(token) = bearer(phone, operation) {
        headers.insert(AUTHORIZATION, value(&["Bearer ", token].concat())?);
    }
    Ok(request)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "a header that HTTP cannot carry".to_owned())
}

fn route(phone: &Phone, operation: &Operation) -> serde_json::Result<Route> {
    fn bare(verb: Verb, path: &'static str) -> serde_json::Result<Route> {
        Ok(Route {
            verb,
            path: Cow::Borrowed(path),
            body: None,
        })
    }
    fn with(verb: Verb, path: &'static str, body: &impl Serialize) -> serde_json::Result<Route> {
        Ok(Route {
            verb,
            path: Cow::Borrowed(path),
            body: Some(serde_json::to_vec(body)?),
        })
    }
    fn at(verb: Verb, path: String, body: Option<Vec<u8>>) -> serde_json::Result<Route> {
        Ok(Route {
            verb,
            path: Cow::Owned(path),
            body,
        })
    }
    match operation {
        Operation::CreateAccount { email, password } => {
            with(Verb::POST, "/v1/accounts", &json!({"email": email, "password": password}))
        }
        Operation::SignIn { email, password } => with(Verb::POST, "/v1/sign-ins", &sign_in(phone, email, password)),
        Operation::ReadChallenge {} => bare(Verb::GET, "/v1/challenge"),
        Operation::Resend {} => with(Verb::POST, "/v1/challenge/resend", &json!({})),
        Operation::SwitchMethod { method } => with(Verb::POST, "/v1/challenge/method", &Switch { method: *method }),
        Operation::Verify { code } => with(Verb::POST, "/v1/challenge/verify", &Verify { code }),
        Operation::Cancel {} => bare(Verb::DELETE, "/v1/challenge"),
        Operation::ListChallenges {} => bare(Verb::GET, "/v1/challenges"),
        Operation::Deny { challenge } => at(Verb::POST, format!("/v1/challenges/{}/deny", segment(challenge)), None),
        Operation::WhoAmI {} => bare(Verb::GET, "/v1/session"),
        Operation::Refresh {} => {
            let refresh_token = phone.refresh.as_deref();
            with(Verb::POST, "/v1/session/refresh", &Refresh { refresh_token })
        }
        Operation::SignOut {} => bare(Verb::DELETE, "/v1/session"),
        Operation::ListDevices {} => bare(Verb::GET, "/v1/devices"),
        Operation::RenameDevice { id, name } => {
            let body = serde_json::to_vec(&json!({ "name": name }))?;
            at(Verb::PATCH, format!("/v1/devices/{}", segment(id)), Some(body))
        }
        Operation::RemoveDevice { id } => at(Verb::DELETE, format!("/v1/devices/{}", segment(id)), None),
        Operation::RegisterPush { token } => with(Verb::PUT, "/v1/devices/current/push", &json!({ "token": token })),
        Operation::ReadActivity {} => bare(Verb::GET, "/v1/activity"),
        Operation::ReadTwoStep {} => bare(Verb::GET, "/v1/two-step"),
        Operation::SetTwoStep { enabled, password } => {
            let mut body = json!({ "enabled": enabled });
            if let Some(password) = password {
                body["password"] = json!(password);
            }
            with(Verb::PUT, "/v1/two-step", &body)
        }
        Operation::Reauthenticate { password } => {
            with(Verb::POST, "/v1/session/reauthenticate", &json!({ "password": password }))
        }
        Operation::ChangePassword { current, new } => {
            let (current_password, new_password) = (current, new);
            let body = ChangePassword {
                current_password,
                new_password,
            };
            with(Verb::PUT, "/v1/account/password", &body)
        }
        Operation::RequestReset { email } => with(Verb::POST, "/v1/password-resets", &json!({ "email": email })),
        Operation::CompleteReset { token, new } => {
            let body = json!({"token": token, "new_password": new});
            with(Verb::POST, "/v1/password-resets/complete", &body)
        }
    }
}

fn sign_in<'a>(phone: &'a Phone, email: &'a str, password: &'a str) -> SignIn<'a> {
    SignIn {
        email,
        password,
        device: Installed {
            installation: &phone.installation,
            name: &phone.name,
            push_token: phone.push_token.as_deref(),
        },
        trust_token: phone.trust.as_deref(),
    }
}

/// The credential that answers for the operation.
fn bearer<'a>(phone: &'a Phone, operation: &Operation) -> Option<&'a str> {
    match operation {
        Operation::CreateAccount { .. }
        | Operation::SignIn { .. }
        | Operation::Refresh {}
        | Operation::RequestReset { .. }
        | Operation::CompleteReset { .. } => None,
        Operation::ReadChallenge {}
        | Operation::Resend {}
        | Operation::SwitchMethod { .. }
        | Operation::Verify { .. }
        | Operation::Cancel {} => phone.handle.as_deref(),
        _ => phone.access.as_deref(),
    }
}

/// One path segment: an id from anywhere cannot become a different path.
fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}
