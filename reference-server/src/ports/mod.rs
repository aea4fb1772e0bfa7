//! What the service needs of the world, each a trait with its standard implementation beside it: any one of them can be replaced
//! without the others noticing.

mod clock;
mod codes;
mod counters;
mod locator;
mod mailer;
mod passwords;
mod store;
mod tokens;

pub use clock::{Clock, ManualClock, SystemClock};
pub use codes::{CodeFor, CodeSource, RandomCodes};
pub use counters::{CountChange, CounterKey, Counters, Failures, MemoryCounters};
pub use locator::{Locator, Unknown};
pub use mailer::{DeliveryError, Mailer, Message, MessageContent, MessageKind, Recipient, RecordingMailer};
pub use passwords::{Argon2id, HashMemory, Passwords};
pub use store::{Committed, MemoryStore, Store, StoreError, Versioned};
pub use tokens::{RandomTokens, TokenKind, TokenSource};
