//! Whether the service kept its security rules while it was under load.
//!
//! - [`Operation`]: one operation and its answer.
//! - [`Histories`]: what happened, collected during the storm in bounded memory, and handed over account by account.
//! - [`Tally`]: what attackers achieved.
//! - [`judge`]: the histories on the abstract machine.

mod attack;
mod blame;
mod direct;
mod histories;
mod moves;
mod operation;
mod packed;
mod replay;
mod search;
mod words;

pub use attack::Tally;
pub use histories::{Drained, Histories};
pub use operation::{Call, CodeUsed, Operation, Response};
pub use replay::{Prepared, judge};
