//! Each operation as a request of the reference API.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::device::{CredentialKind, Device};
use crate::request::RequestBuilder;
use specs::Channel;

use crate::operation::Operation;

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// The honest request of this device for this operation. A credential the device does not hold is left out.
pub(super) fn builder(origin: &str, device: &Device, operation: &Operation) -> RequestBuilder {
    let (method, path, body) = route(device, operation);
    let mut builder =
        RequestBuilder::new(operation.kind(), method, format!("{origin}/v1{path}")).header("Accept", "application/json");
    if let Some(version) = &device.app_version {
        builder = builder.header("App-Version", version.clone());
    }
    let held = bearer(operation).and_then(|kind| device.variables.get(kind.name()));
    if let Some(token) = held {
        builder = builder.header("Authorization", format!("Bearer {token}"));
    }
    match body {
        Some(body) => builder.json(body),
        None => builder,
    }
}

fn route(device: &Device, operation: &Operation) -> (&'static str, String, Option<Value>) {
    let fixed = |method, path: &str, body| (method, path.to_owned(), body);
    match operation {
        Operation::CreateAccount { email, password } => {
            fixed("POST", "/accounts", Some(json!({"email": email, "password": password})))
        }
        Operation::SignIn { email, password } => fixed("POST", "/sign-ins", Some(sign_in(device, email, password))),
        Operation::ReadChallenge {} => fixed("GET", "/challenge", None),
        Operation::Resend {} => fixed("POST", "/challenge/resend", Some(json!({}))),
        Operation::SwitchMethod { method } => {
            let method = match method {
                Channel::Push => "push",
                Channel::Email => "email",
            };
            fixed("POST", "/challenge/method", Some(json!({ "method": method })))
        }
        Operation::Verify { code } => fixed("POST", "/challenge/verify", Some(json!({ "code": code }))),
        Operation::Cancel {} => fixed("DELETE", "/challenge", None),
        Operation::ListChallenges {} => fixed("GET", "/challenges", None),
        Operation::Deny { challenge } => ("POST", format!("/challenges/{}/deny", segment(challenge)), None),
        Operation::WhoAmI {} => fixed("GET", "/session", None),
        Operation::Refresh {} => {
            let held = device.variables.get(CredentialKind::Refresh.name());
            let body = held.map_or_else(|| json!({}), |token| json!({ "refresh_token": token }));
            fixed("POST", "/session/refresh", Some(body))
        }
        Operation::SignOut {} => fixed("DELETE", "/session", None),
        Operation::ListDevices {} => fixed("GET", "/devices", None),
        Operation::RenameDevice { id, name } => ("PATCH", format!("/devices/{}", segment(id)), Some(json!({ "name": name }))),
        Operation::RemoveDevice { id } => ("DELETE", format!("/devices/{}", segment(id)), None),
        Operation::RegisterPush { token } => fixed("PUT", "/devices/current/push", Some(json!({ "token": token }))),
        Operation::ReadActivity {} => fixed("GET", "/activity", None),
        Operation::ReadTwoStep {} => fixed("GET", "/two-step", None),
        Operation::SetTwoStep { enabled, password } => {
            let mut body = json!({ "enabled": enabled });
            if let Some(password) = password {
                body["password"] = json!(password);
            }
            fixed("PUT", "/two-step", Some(body))
        }
        Operation::Reauthenticate { password } => fixed("POST", "/session/reauthenticate", Some(json!({ "password": password }))),
        Operation::ChangePassword { current, new } => {
            let body = json!({"current_password": current, "new_password": new});
            fixed("PUT", "/account/password", Some(body))
        }
        Operation::RequestReset { email } => fixed("POST", "/password-resets", Some(json!({ "email": email }))),
        Operation::CompleteReset { token, new } => {
            let body = json!({"token": token, "new_password": new});
            fixed("POST", "/password-resets/complete", Some(body))
        }
    }
}

fn sign_in(device: &Device, email: &str, password: &str) -> Value {
    let mut body = json!({
        "email": email,
        "password": password,
        "device": {"installation": device.installation, "name": device.name},
    });
    if let Some(trust) = device.variables.get(CredentialKind::Trust.name()) {
        body["trust_token"] = json!(trust);
    }
    if let Some(token) = &device.push_token {
        body["device"]["push_token"] = json!(token);
    }
    body
}

/// The credential that answers for the operation.
fn bearer(operation: &Operation) -> Option<CredentialKind> {
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
        | Operation::Cancel {} => Some(CredentialKind::Handle),
        _ => Some(CredentialKind::Access),
    }
}

/// One path segment: an id from anywhere cannot become a different path.
fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}
