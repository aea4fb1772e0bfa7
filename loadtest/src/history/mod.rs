//! Whether the service kept its security promises while it was under load.
//!
//! - [`Happened`]: one operation and its answer.
//! - [`Histories`]: what happened, collected during the storm in bounded memory, and handed over account by account.
//! - [`Tally`]: what attackers achieved.
//! - [`judge`]: the histories on the abstract machine.

mod attack;
mod blame;
mod direct;
mod happened;
mod histories;
mod moves;
mod packed;
mod replay;
mod search;
mod words;

pub use attack::Tally;
pub use happened::{Act, Happened, Presented, Seen};
pub use histories::{Drained, Histories};
pub use replay::{Prepared, judge};
