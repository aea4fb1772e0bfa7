//! What an answer of the reference API tells: its class, and the facts.

use serde_json::Value;
use specs::Channel;
use specs::api::Told;

use super::outcome::Reading;
use crate::answer::{ChallengeFacts, DeviceRow, Facts};
use crate::operation::OperationKind;
use crate::transcript::Exchange;

/// A recorded answer with its body as JSON, where it is that.
pub(super) struct Recorded<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) json: Option<&'a Value>,
}

impl Reading for Recorded<'_> {
    fn tells(&self, member: &Told) -> bool {
        let at = |pointer: &str| self.json.and_then(|json| json.pointer(pointer));
        match member {
            Told::Text(pointer) => at(pointer).is_some_and(Value::is_string),
            Told::List(pointer) => at(pointer).is_some_and(Value::is_array),
            Told::Flag(pointer) => at(pointer).is_some_and(Value::is_boolean),
        }
    }

    fn problem_type(&self) -> Option<&str> {
        self.json?.get("type")?.as_str()
    }

    fn retry_after_s(&self) -> Option<u64> {
        self.exchange.header("retry-after")?.trim().parse().ok()
    }
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
        method: json.get("method").and_then(channel),
        methods: methods.into_iter().flatten().filter_map(channel).collect(),
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

fn channel(json: &Value) -> Option<Channel> {
    Channel::named(json.as_str()?)
}

fn text(json: &Value, path: &str) -> Option<String> {
    json.pointer(path)?.as_str().map(str::to_owned)
}

fn flag(json: &Value, path: &str) -> Option<bool> {
    json.pointer(path)?.as_bool()
}
