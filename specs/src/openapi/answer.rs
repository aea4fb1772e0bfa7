//! One answer as it was seen, against one response of the contract.

use std::collections::BTreeSet;

use serde_json::Value;

use super::route::Route;
use super::{Contract, Pointer};

/// An answer.
pub(super) struct Seen<'a> {
    pub(super) status: u16,
    pub(super) content_type: Option<&'a str>,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a [u8],
}

impl Seen<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let matching = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str())
    }

    /// What is wrong with the headers. `Cache-Control: no-store` is wanted on every answer, also where a document forgets it.
    pub(super) fn wrong_headers(&self, contract: &Contract, response: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self
            .values("cache-control")
            .any(|value| value.trim().eq_ignore_ascii_case("no-store"))
        {
            wrong.push("`Cache-Control: no-store` is missing".to_owned());
        }
        let declared = response.get("headers").and_then(Value::as_object);
        for (name, header) in declared.into_iter().flatten() {
            let pointer = header
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix('#'));
            let Some((pointer, header)) = pointer.and_then(|text| contract.resolve(&Pointer(text.to_owned()))) else {
                wrong.push(format!("the contract's header {name} is not one of its components"));
                continue;
            };
            let values: Vec<&str> = self.values(name).collect();
            let required = header.get("required").and_then(Value::as_bool).unwrap_or(false);
            match values.as_slice() {
                [] if required => wrong.push(format!("the header {name} is missing")),
                [] => {}
                [value] => {
                    let violations = contract.violations(&pointer.child("schema"), &Value::from(*value));
                    wrong.extend(violations.into_iter().map(|reason| format!("the header {name}: {reason}")));
                }
                several => wrong.push(format!("the header {name} stands there {} times", several.len())),
            }
        }
        wrong
    }

    /// What is wrong with the content type and the body.
    pub(super) fn wrong_body(&self, contract: &Contract, pointer: &Pointer, response: &Value) -> Vec<String> {
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            return self.wrong_emptiness();
        };
        let Some(essence) = self.content_type.map(essence) else {
            return vec!["the content type is missing".to_owned()];
        };
        if !content.contains_key(&essence) {
            let known: Vec<&str> = content.keys().map(String::as_str).collect();
            return vec![format!("the content type {essence} is not {}", known.join(" or "))];
        }
        if essence != "application/json" && !essence.ends_with("+json") {
            let text = std::str::from_utf8(self.body).map(drop);
            return text
                .err()
                .map(|error| format!("the body is no UTF-8: {error}"))
                .into_iter()
                .collect();
        }
        match serde_json::from_slice(self.body) {
            Ok(value) => contract.violations(&pointer.child("content").child(&essence).child("schema"), &value),
            Err(error) => vec![format!("the body is no JSON: {error}")],
        }
    }

    fn wrong_emptiness(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.body.is_empty() {
            wrong.push(format!("{} bytes of body where there is none", self.body.len()));
        }
        if let Some(content_type) = self.content_type {
            wrong.push(format!("the content type {content_type} where there is no content"));
        }
        wrong
    }

    /// What is wrong with `Allow`: it names the methods of the path, and HEAD or OPTIONS besides at most.
    pub(super) fn wrong_allow(&self, route: &Route<'_>) -> Option<String> {
        let listed = self.values("allow").flat_map(|value| value.split(','));
        let allowed: BTreeSet<String> = listed
            .map(|method| method.trim().to_owned())
            .filter(|method| !method.is_empty())
            .collect();
        let known: BTreeSet<String> = route.methods().collect();
        let besides = |method: &&String| !known.contains(*method) && !matches!(method.as_str(), "HEAD" | "OPTIONS");
        if known.is_subset(&allowed) && !allowed.iter().any(|method| besides(&method)) {
            return None;
        }
        Some(format!("Allow names {allowed:?} where the path has {known:?}"))
    }
}

/// The type without its parameters, in small letters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
