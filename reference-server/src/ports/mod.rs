//! The narrow parts the server is composed of. Each is a trait with its standard implementation beside it, and any one of
//! them can be replaced without the others noticing.

mod clock;
mod codes;
mod locator;
mod mailer;
mod passwords;
mod store;
mod tokens;

use std::sync::Arc;

pub use clock::{Clock, ManualClock, SystemClock};
pub use codes::{CodeFor, CodeSource, RandomCodes};
pub use locator::{Locator, Unknown};
pub use mailer::{DeliveryError, Mailer, Message, MessageContent, MessageKind, Recipient, RecordingMailer};
pub use passwords::{Argon2id, HashMemory, Passwords};
pub use store::{Committed, MemoryStore, Store, StoreError, Versioned};
pub use tokens::{RandomTokens, TokenKind, TokenSource};

use crate::policy::{Policy, Standard};

/// The composition of a server.
#[derive(Clone)]
pub struct Deps {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws codes.
    pub codes: Arc<dyn CodeSource>,
    /// Draws tokens.
    pub tokens: Arc<dyn TokenSource>,
    /// Hashes passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Keeps accounts.
    pub store: Arc<dyn Store>,
    /// Delivers messages.
    pub mailer: Arc<dyn Mailer>,
    /// Derives places from addresses.
    pub locator: Arc<dyn Locator>,
    /// Decides.
    pub policy: Arc<dyn Policy>,
}

impl Deps {
    /// The standard composition, with the system's clock and OWASP's Argon2id parameters.
    pub fn standard(mailer: Arc<dyn Mailer>) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            codes: Arc::new(RandomCodes),
            tokens: Arc::new(RandomTokens),
            passwords: Arc::new(Argon2id::owasp()),
            store: Arc::new(MemoryStore::default()),
            mailer,
            locator: Arc::new(Unknown),
            policy: Arc::new(Standard),
        }
    }

    /// The standard composition with a clock that moves on order and a password hash that costs next to nothing.
    pub fn for_tests(clock: Arc<ManualClock>, mailer: Arc<dyn Mailer>) -> Self {
        Self {
            clock,
            passwords: Arc::new(Argon2id::light()),
            ..Self::standard(mailer)
        }
    }
}
