//! The delivery sink: the providers that a target sends its codes to during a storm, and the mailbox where the codes are read.
//!
//! - [`mailbox`](Mailbox): what was delivered, for a while, and waiting for it.
//! - [`faults`](SinkFaults): what the providers do wrong, on order.

mod faults;
mod letter;
mod mailbox;
mod shard;

pub use faults::{SinkFaults, Trouble};
pub use letter::{Letter, Wanted};
pub use mailbox::{Counts, Mailbox};
