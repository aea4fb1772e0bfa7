//! A mailbox for development: keeps the latest messages where the person at the keyboard can read them. It delivers nothing,
//! and whoever can read it can sign in to every account, so it has no place in production.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::RenderedMessage;
use crate::parts::Recipient;
use crate::sync::lock;

/// Messages kept; the oldest leave.
const MAX_MESSAGES: usize = 1000;

type OnMessage = dyn Fn(&RenderedMessage) + Send + Sync;

/// Keeps messages. Clones share them.
#[derive(Clone, Default)]
pub struct Mailbox {
    messages: Arc<Mutex<VecDeque<RenderedMessage>>>,
    on_message: Option<Arc<OnMessage>>,
}

impl Mailbox {
    /// A mailbox that shows each message to this callback as it comes.
    pub fn on_message(callback: impl Fn(&RenderedMessage) + Send + Sync + 'static) -> Self {
        Self {
            on_message: Some(Arc::new(callback)),
            ..Self::default()
        }
    }

    /// The messages to this email address, oldest first.
    pub fn messages_to(&self, address: &str) -> Vec<RenderedMessage> {
        let messages = lock(&self.messages);
        let theirs = messages.iter().filter(|message| match &message.to {
            Recipient::Email(to) => to.eq_ignore_ascii_case(address),
            Recipient::Push(_) => false,
        });
        theirs.cloned().collect()
    }

    pub(super) fn keep(&self, message: &RenderedMessage) {
        if let Some(callback) = &self.on_message {
            callback(message);
        }
        let mut messages = lock(&self.messages);
        messages.push_back(message.clone());
        if messages.len() > MAX_MESSAGES {
            messages.pop_front();
        }
    }
}
