//! What stands behind a verdict, without secrets: the exchanges, the deliveries, and a chain of curl commands.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use targets::redact::Redactor;

use crate::context::Context;
use crate::events::Event;
use crate::proof::Breach;

/// Everything a check left behind, redacted with one memory, so that a secret has one name throughout.
pub(crate) struct Evidence {
    redactor: Redactor,
    /// Exchange and delivery events.
    pub(crate) events: Vec<Event>,
}

impl Evidence {
    /// Reads what the check did.
    pub(crate) fn of(check: &str, cx: &Context) -> Self {
        let mut redactor = Redactor::default();
        // Learn everything first: a code is told as such by its message, which comes after the request that caused it.
        let messages = cx.deliveries();
        for message in &messages {
            redactor.message(message);
        }
        let mut events = Vec::new();
        for exchange in cx.exchanges() {
            redactor.learn_exchange(exchange);
        }
        for exchange in cx.exchanges() {
            events.push(Event::Exchange {
                check: check.to_owned(),
                exchange: fields(&redactor.exchange(exchange)),
            });
        }
        for message in &messages {
            events.push(Event::Delivery {
                check: check.to_owned(),
                message: fields(&redactor.message(message)),
            });
        }
        Self { redactor, events }
    }

    /// The chain of curl commands that repeats what the check did.
    pub(crate) fn curl(&self, cx: &Context) -> Option<String> {
        let delivered: BTreeSet<String> = cx.deliveries().into_iter().filter_map(|message| message.code).collect();
        let exchanges = cx.exchanges();
        (!exchanges.is_empty()).then(|| targets::curl::chain(exchanges.iter().map(AsRef::as_ref), &self.redactor, &delivered))
    }

    /// The breach without secrets.
    pub(crate) fn breach(&self, breach: &Breach) -> Breach {
        Breach {
            expected: self.redactor.text(&breach.expected),
            seen: self.redactor.text(&breach.seen),
        }
    }

    /// A text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        self.redactor.text(text)
    }
}

fn fields<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}
