//! What a service is made of.

use std::sync::Arc;

use crate::policy::{Policy, Standard};
use crate::ports::{
    Argon2id, Clock, CodeSource, Counters, Locator, Mailer, ManualClock, MemoryCounters, MemoryStore, Passwords, RandomCodes,
    RandomTokens, Store, SystemClock, TokenSource, Unknown,
};

/// What a service is made of: its ports, and the policy that decides.
#[derive(Clone)]
pub struct Deps {
    pub clock: Arc<dyn Clock>,
    pub codes: Arc<dyn CodeSource>,
    pub tokens: Arc<dyn TokenSource>,
    pub passwords: Arc<dyn Passwords>,
    pub store: Arc<dyn Store>,
    pub counters: Arc<dyn Counters>,
    pub mailer: Arc<dyn Mailer>,
    pub locator: Arc<dyn Locator>,
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
            counters: Arc::new(MemoryCounters::default()),
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
