//! What is kept of an answer: variables, facts, rows.

use regex::Regex;
use serde_json::Value;
use specs::Channel;

use super::plan::{Capture, CaptureFrom, Rows, Step};
use super::template::plain;
use crate::answer::{ChallengeFacts, DeviceRow, Facts};
use crate::device::Device;
use crate::transcript::Exchange;

/// Takes the value into the device's variables; `false` when the answer has none.
pub(super) fn take(capture: &Capture, exchange: &Exchange, device: &mut Device) -> bool {
    let found = match &capture.from {
        CaptureFrom::Pointer(pointer) => exchange
            .json()
            .and_then(|body| body.pointer(pointer).filter(|value| !value.is_null()).map(plain)),
        CaptureFrom::Cookie(name) => device.jar.get(name).map(str::to_owned),
        CaptureFrom::Header(name) => exchange.header(name).map(str::to_owned),
        CaptureFrom::Html(pattern) => first_group(pattern, &exchange.text()).map(|text| resolve_entities(&text)),
    };
    match found {
        Some(value) => {
            device.variables.insert(capture.name.clone(), value);
            true
        }
        None => false,
    }
}

/// Group 1 of the first match, or all of it where there is no group.
pub(super) fn first_group(pattern: &Regex, text: &str) -> Option<String> {
    let captures = pattern.captures(text)?;
    captures
        .get(1)
        .or_else(|| captures.get(0))
        .map(|found| found.as_str().to_owned())
}

/// The entities that stand in attribute values.
pub(super) fn resolve_entities(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Adds what this step's answer tells.
pub(super) fn facts(step: &Step, exchange: &Exchange, device: &Device, facts: &mut Facts) {
    let Some(body) = exchange.json() else { return };
    for (name, pointer) in &step.facts {
        let value = body.pointer(pointer).filter(|value| !value.is_null());
        match name.as_str() {
            "email" => facts.email = value.map(plain),
            "device_id" => facts.device_id = value.map(plain),
            "two_step" => facts.two_step = value.and_then(Value::as_bool),
            _ => {}
        }
    }
    if let Some(fields) = &step.challenge {
        facts.challenge = Some(challenge(fields, &body));
    }
    if let Some(rows) = &step.devices {
        facts.devices = Some(list(rows, &body).iter().map(|row| device_row(rows, row, device)).collect());
    }
    if let Some(rows) = &step.challenges {
        facts.challenges = Some(list(rows, &body).iter().map(|row| challenge(&rows.fields, row)).collect());
    }
}

fn list(rows: &Rows, body: &Value) -> Vec<Value> {
    body.pointer(&rows.rows)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn challenge(fields: &[(String, String)], body: &Value) -> ChallengeFacts {
    let mut facts = ChallengeFacts::default();
    for (name, pointer) in fields {
        let value = body.pointer(pointer).filter(|value| !value.is_null());
        match name.as_str() {
            "id" => facts.id = value.map(plain),
            "method" => facts.method = value.and_then(|value| serde_json::from_value(value.clone()).ok()),
            "methods" => facts.methods = value.and_then(Value::as_array).map_or_else(Vec::new, |list| methods(list)),
            "expires_at" => facts.expires_at = value.map(plain),
            "resend_at" => facts.resend_at = value.map(plain),
            "attempts_left" => facts.attempts_left = value.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()),
            _ => {}
        }
    }
    facts
}

fn methods(list: &[Value]) -> Vec<Channel> {
    list.iter()
        .filter_map(|name| serde_json::from_value(name.clone()).ok())
        .collect()
}

fn device_row(rows: &Rows, row: &Value, device: &Device) -> DeviceRow {
    let mut out = DeviceRow::default();
    for (name, pointer) in &rows.fields {
        let value = row.pointer(pointer).filter(|value| !value.is_null());
        match name.as_str() {
            "id" => out.id = value.map(plain).unwrap_or_default(),
            "name" => out.name = value.map(plain),
            "trusted" => out.trusted = value.and_then(Value::as_bool),
            "current" => out.current = value.and_then(Value::as_bool),
            "first_used_at" => out.first_used_at = value.map(plain),
            "last_used_at" => out.last_used_at = value.map(plain),
            "place" => out.place = value.map(plain),
            _ => {}
        }
    }
    if let Some(variable) = &rows.current_equals {
        out.current = device.variables.get(variable).map(|mine| *mine == out.id);
    }
    out
}
