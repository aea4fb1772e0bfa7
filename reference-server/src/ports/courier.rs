//! The courier part: hands messages to the outside world.

use std::sync::Mutex;

use async_trait::async_trait;

use crate::account::{ChallengeId, Timestamp};
use crate::courier::Letter;

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A registered address.
    Email(String),
    /// A device's push registration.
    Push(String),
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// A sign-in code (DLVR-01).
    Code {
        /// The code.
        code: String,
        /// The challenge it is for.
        challenge: ChallengeId,
        /// When the code lapses.
        expires_at: Timestamp,
        /// The label of the device that asks.
        device_name: String,
        /// Where it asks from.
        place: String,
        /// When it asked.
        at: Timestamp,
    },
    /// A password reset.
    Reset {
        /// The token.
        token: String,
        /// When it lapses.
        expires_at: Timestamp,
    },
    /// Something the owner should know.
    Notice {
        /// One line.
        subject: String,
        /// The rest.
        text: String,
    },
}

/// A message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Who gets it.
    pub to: Recipient,
    /// What it says.
    pub parcel: Parcel,
}

/// Why a message was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The provider says that this registration is no more (FCM `UNREGISTERED`).
    #[error("the registration is no longer known")]
    Unregistered,
    /// The provider refused.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// No answer in time.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// No provider is set for this channel.
    #[error("no provider is set for this channel")]
    NoProvider,
}

/// Hands messages over. An answer of `Ok` means that the provider took it.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Words one message and hands it over.
    async fn deliver(&self, message: &Outgoing) -> Result<(), DeliveryError>;

    /// Hands over one that is already worded. A composition that words messages otherwise calls this of the courier it wraps.
    async fn carry(&self, _letter: &Letter) -> Result<(), DeliveryError> {
        Err(DeliveryError::NoProvider)
    }
}

/// Keeps every message and delivers none.
#[derive(Debug, Default)]
pub struct RecordingCourier {
    taken: Mutex<Vec<Outgoing>>,
}

impl RecordingCourier {
    /// Everything handed over so far.
    pub fn taken(&self) -> Vec<Outgoing> {
        self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Courier for RecordingCourier {
    async fn deliver(&self, message: &Outgoing) -> Result<(), DeliveryError> {
        self.taken
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(message.clone());
        Ok(())
    }
}
