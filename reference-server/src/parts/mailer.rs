//! The mailer: hands messages to the outside world.

use std::sync::Mutex;

use async_trait::async_trait;

use crate::domain::{ChallengeId, Timestamp};
use crate::sync::lock;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A registered address.
    Email(String),
    /// A device's push registration.
    Push(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageContent {
    /// A sign-in code (DLVR-01), and what its owner needs to judge who asked for it.
    Code {
        code: String,
        challenge: ChallengeId,
        expires_at: Timestamp,
        device_name: String,
        place: String,
        at: Timestamp,
    },
    /// A password reset.
    Reset { token: String, expires_at: Timestamp },
    /// Something the owner should know.
    Notice { subject: String, text: String },
}

impl MessageContent {
    pub fn kind(&self) -> MessageKind {
        match self {
            MessageContent::Code { .. } => MessageKind::Code,
            MessageContent::Reset { .. } => MessageKind::Reset,
            MessageContent::Notice { .. } => MessageKind::Notice,
        }
    }
}

/// The sort of a message, by which mail programs and tests tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    Code,
    Reset,
    Notice,
}

impl MessageKind {
    pub const ALL: [MessageKind; 3] = [MessageKind::Code, MessageKind::Reset, MessageKind::Notice];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            MessageKind::Code => "code",
            MessageKind::Reset => "reset",
            MessageKind::Notice => "notice",
        }
    }
}

/// A message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub to: Recipient,
    pub content: MessageContent,
}

/// Why a message was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The provider says that this registration is no more (FCM `UNREGISTERED`).
    #[error("the registration is no longer known")]
    Unregistered,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider did not answer in time")]
    TimedOut,
    #[error("no provider is set for this channel")]
    NoProvider,
}

/// Hands messages over.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// `Ok` means that the provider took it, and not that it arrived.
    async fn send(&self, message: &Message) -> Result<(), DeliveryError>;
}

/// Keeps every message and delivers none.
#[derive(Debug, Default)]
pub struct RecordingMailer {
    taken: Mutex<Vec<Message>>,
}

impl RecordingMailer {
    /// Everything handed over so far.
    pub fn taken(&self) -> Vec<Message> {
        lock(&self.taken).clone()
    }
}

#[async_trait]
impl Mailer for RecordingMailer {
    async fn send(&self, message: &Message) -> Result<(), DeliveryError> {
        lock(&self.taken).push(message.clone());
        Ok(())
    }
}
