//! Everything the target delivered, whoever got it. Codes are found by recipient and moment, never as "the latest message".

use std::time::Duration;

use crate::operation::Method;

/// A moment of the ledger: messages after it are those that arrived later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub usize);

/// One delivered message.
#[derive(Clone, Debug)]
pub struct Message {
    /// How it travelled.
    pub channel: Method,
    /// The address, or the push registration token.
    pub to: String,
    /// Envelope or header sender, for email.
    pub from: Option<String>,
    /// Subject or push title.
    pub subject: String,
    /// Text body, or push body.
    pub text: String,
    /// HTML body, for email.
    pub html: Option<String>,
    /// Data fields, for push.
    pub data: Vec<(String, String)>,
    /// Milliseconds since the ledger was opened.
    pub at_ms: f64,
    /// What the provider as raw bytes was given (MIME source, or JSON).
    pub raw: Vec<u8>,
    /// The sign-in code found in it, by the target's pattern.
    pub code: Option<String>,
    /// The reset token found in it, by the target's pattern.
    pub reset_token: Option<String>,
}

/// The record of all deliveries of one target.
#[derive(Clone, Debug, Default)]
pub struct Ledger {}

impl Ledger {
    /// The present moment.
    pub fn mark(&self) -> Mark {
        Mark(0)
    }

    /// Every message since the mark, in order of arrival.
    pub fn since(&self, _mark: Mark) -> Vec<Message> {
        Vec::new()
    }

    /// Waits until a message since the mark satisfies `wanted`; `None` when none came in time.
    pub async fn wait(&self, _mark: Mark, _within: Duration, _wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        None
    }
}
