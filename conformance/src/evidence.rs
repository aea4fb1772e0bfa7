//! What stands behind a verdict, without secrets: the exchanges, the deliveries, and a chain of curl commands.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use targets::redact::Redactor;
use targets::{Exchange, Message, RedactedExchange, RedactedMessage};

use crate::events::Event;
use crate::proof::Breach;

/// Everything a check left behind, redacted with one memory, so that a secret has one name throughout.
pub(crate) struct Evidence {
    check: String,
    redactor: Redactor,
    exchanges: Vec<RedactedExchange>,
    messages: Vec<RedactedMessage>,
}

impl Evidence {
    /// Learns what is secret in what the check did, and takes it out.
    pub(crate) fn new(check: &str, exchanges: &[Arc<Exchange>], messages: &[Message]) -> Self {
        let mut redactor = Redactor::default();
        // A code is told as such by its message, which comes after the request that caused it.
        messages.iter().for_each(|message| redactor.learn_message(message));
        exchanges.iter().for_each(|exchange| redactor.learn_exchange(exchange));
        Self {
            check: check.to_owned(),
            exchanges: exchanges.iter().map(|exchange| redactor.exchange(exchange)).collect(),
            messages: messages.iter().map(|message| redactor.message(message)).collect(),
            redactor,
        }
    }

    /// Exchange and delivery events.
    pub(crate) fn events(&self) -> Vec<Event> {
        let exchanges = self.exchanges.iter().map(|exchange| Event::Exchange {
            check: self.check.clone(),
            exchange: fields(exchange),
        });
        let messages = self.messages.iter().map(|message| Event::Delivery {
            check: self.check.clone(),
            message: fields(message),
        });
        exchanges.chain(messages).collect()
    }

    /// The chain of curl commands that repeats what the check did.
    pub(crate) fn curl(&self) -> Option<String> {
        if self.exchanges.is_empty() {
            return None;
        }
        let chain = targets::curl::chain(&self.exchanges, &self.messages);
        chain
            .inspect_err(|error| tracing::warn!(check = self.check, %error, "no curl commands repeat this"))
            .ok()
    }

    /// The breach without secrets.
    pub(crate) fn breach(&self, breach: &Breach) -> Breach {
        Breach {
            expected: self.redactor.text(&breach.expected),
            seen: self.redactor.text(&breach.seen),
            lapse: breach.lapse,
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
