//! Answers of the reference API: their class by status *and* content, and the facts they tell.

use serde_json::Value;

use crate::answer::{ChallengeFacts, DeviceRow, Facts, Outcome, Refusal};
use specs::Channel;

use crate::operation::OperationKind;
use crate::transcript::Exchange;

/// The prefix of every problem type of the reference API.
const PROBLEMS: &str = "https://stepproof.dev/problems/";

/// The class of an answer. A status that is right with a content that is not (or the reverse) is not recognised.
pub(super) fn outcome(operation: OperationKind, exchange: &Exchange) -> Outcome {
    match exchange.status {
        200..300 => success(operation, exchange),
        // A provider that does not deliver is no failure of the server, when the server says so.
        400..500 | 503 => refusal(exchange),
        500.. => Outcome::ServerError,
        _ => Outcome::Unrecognised,
    }
}

fn success(operation: OperationKind, exchange: &Exchange) -> Outcome {
    use OperationKind as Op;
    let json = exchange.json();
    let text_at = |path: &str| json.as_ref().and_then(|j| j.pointer(path)).is_some_and(Value::is_string);
    let list_at = |path: &str| json.as_ref().and_then(|j| j.pointer(path)).is_some_and(Value::is_array);
    let flag_at = |path: &str| json.as_ref().and_then(|j| j.pointer(path)).is_some_and(Value::is_boolean);
    let session = || text_at("/session/access_token") && text_at("/session/refresh_token");
    let (class, told) = match (operation, exchange.status) {
        (Op::SignIn | Op::Verify, 201) | (Op::Refresh, 200) => (Outcome::SignedIn, session()),
        (Op::SignIn, 202) => (Outcome::Challenged, text_at("/challenge/handle")),
        (Op::ReadChallenge | Op::Resend | Op::SwitchMethod, 200) => (Outcome::Done, text_at("/challenge/id")),
        (Op::CreateAccount | Op::RequestReset, 202) => (Outcome::Done, text_at("/status")),
        (Op::ListChallenges, 200) => (Outcome::Done, list_at("/challenges")),
        (Op::ListDevices, 200) => (Outcome::Done, list_at("/devices")),
        (Op::ReadActivity, 200) => (Outcome::Done, list_at("/activity")),
        (Op::WhoAmI, 200) => (Outcome::Done, text_at("/account/email")),
        (Op::ReadTwoStep | Op::SetTwoStep, 200) => (Outcome::Done, flag_at("/enabled")),
        (Op::RenameDevice, 200) => (Outcome::Done, text_at("/id") || text_at("/device/id")),
        (
            Op::Cancel
            | Op::Deny
            | Op::SignOut
            | Op::RemoveDevice
            | Op::RegisterPush
            | Op::Reauthenticate
            | Op::ChangePassword
            | Op::CompleteReset,
            204,
        ) => (Outcome::Done, true),
        _ => (Outcome::Unrecognised, true),
    };
    if told { class } else { Outcome::Unrecognised }
}

fn refusal(exchange: &Exchange) -> Outcome {
    let json = exchange.json();
    let slug = json
        .as_ref()
        .and_then(|problem| problem.get("type")?.as_str()?.strip_prefix(PROBLEMS));
    let Some(slug) = slug else {
        return if exchange.status < 500 {
            Outcome::Unrecognised
        } else {
            Outcome::ServerError
        };
    };
    let reason = match (exchange.status, slug) {
        (429, _) => {
            let retry_after_s = exchange.header("retry-after").and_then(|value| value.trim().parse().ok());
            return Outcome::Limited { retry_after_s };
        }
        (401, "invalid-credentials") => Refusal::Credentials,
        (401, "code-rejected") => Refusal::Code,
        (401, "challenge-not-live") => Refusal::Challenge,
        (401, "session-not-live") => Refusal::Session,
        (403, "update-required") => Refusal::UpdateRequired,
        (403, "reauthentication-required") => Refusal::Reauthentication,
        (404, "not-found") => Refusal::NotFound,
        (400, "invalid-request") | (422, "password-unacceptable") | (413 | 415, _) => Refusal::Invalid,
        (401, "reset-not-live") | (403, "trusted-device-required") | (409, "method-unavailable") | (405, _) => {
            Refusal::Unspecified
        }
        (503, "delivery-failed") => Refusal::Unspecified,
        (503, _) => return Outcome::ServerError,
        _ => return Outcome::Unrecognised,
    };
    Outcome::Refused { reason }
}

/// The facts an accepted answer tells.
pub(super) fn facts(operation: OperationKind, json: &Value) -> Facts {
    Facts {
        challenge: json.get("challenge").map(challenge),
        challenges: rows(json, "challenges", challenge),
        devices: rows(json, "devices", device),
        email: text(json, "/account/email"),
        device_id: text(json, "/device/id"),
        two_step: match operation {
            OperationKind::ReadTwoStep | OperationKind::SetTwoStep => flag(json, "/enabled"),
            _ => flag(json, "/account/two_step"),
        },
        trust_granted: json.get("trust_token").is_some_and(Value::is_string),
    }
}

fn rows<T>(json: &Value, name: &str, row: fn(&Value) -> T) -> Option<Vec<T>> {
    Some(json.get(name)?.as_array()?.iter().map(row).collect())
}

fn challenge(json: &Value) -> ChallengeFacts {
    let methods = json.get("methods").and_then(Value::as_array);
    ChallengeFacts {
        id: text(json, "/id"),
        method: json.get("method").and_then(method),
        methods: methods.into_iter().flatten().filter_map(method).collect(),
        expires_at: text(json, "/expires_at"),
        resend_at: text(json, "/resend_at"),
        attempts_left: json
            .get("attempts_left")
            .and_then(Value::as_u64)
            .and_then(|n| n.try_into().ok()),
    }
}

fn device(json: &Value) -> DeviceRow {
    DeviceRow {
        id: text(json, "/id").unwrap_or_default(),
        name: text(json, "/name"),
        trusted: flag(json, "/trusted"),
        current: flag(json, "/current"),
        first_used_at: text(json, "/first_used_at"),
        last_used_at: text(json, "/last_used_at"),
        place: text(json, "/place"),
    }
}

fn method(json: &Value) -> Option<Channel> {
    match json.as_str()? {
        "push" => Some(Channel::Push),
        "email" => Some(Channel::Email),
        _ => None,
    }
}

fn text(json: &Value, path: &str) -> Option<String> {
    json.pointer(path)?.as_str().map(str::to_owned)
}

fn flag(json: &Value, path: &str) -> Option<bool> {
    json.pointer(path)?.as_bool()
}
