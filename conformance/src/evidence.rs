//! What stands behind a verdict, without secrets: the exchanges, the deliveries, and a chain of curl commands.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use targets::redact::Redactor;
use targets::{Exchange, Message};

use crate::events::Event;
use crate::proof::Breach;

/// Everything a check left behind, redacted with one memory, so that a secret has one name throughout.
pub(crate) struct Evidence {
    check: String,
    redactor: Redactor,
    exchanges: Vec<Arc<Exchange>>,
    messages: Vec<Message>,
}

impl Evidence {
    /// Learns what is secret in what the check did.
    pub(crate) fn new(check: &str, exchanges: Vec<Arc<Exchange>>, messages: Vec<Message>) -> Self {
        let mut redactor = Redactor::default();
        // A code is told as such by its message, which comes after the request that caused it.
        for message in &messages {
            redactor.learn_message(message);
        }
        for exchange in &exchanges {
            redactor.learn_exchange(exchange);
        }
        Self {
            check: check.to_owned(),
            redactor,
            exchanges,
            messages,
        }
    }

    /// Exchange and delivery events.
    pub(crate) fn events(&self) -> Vec<Event> {
        // What is not learned yet is learned in a copy.
        let mut redactor = self.redactor.clone();
        let mut events = Vec::new();
        for exchange in &self.exchanges {
            events.push(Event::Exchange {
                check: self.check.clone(),
                exchange: fields(&redactor.exchange(exchange)),
            });
        }
        for message in &self.messages {
            events.push(Event::Delivery {
                check: self.check.clone(),
                message: fields(&redactor.message(message)),
            });
        }
        events
    }

    /// The chain of curl commands that repeats what the check did.
    pub(crate) fn curl(&self) -> Option<String> {
        let delivered: BTreeSet<String> = self.messages.iter().filter_map(|message| message.code.clone()).collect();
        let exchanges = self.exchanges.iter().map(AsRef::as_ref);
        (!self.exchanges.is_empty()).then(|| targets::curl::chain(exchanges, &self.redactor, &delivered))
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
