//! The delivery sink: the providers that a target sends its codes to during a storm, and the mailbox where the codes are read.
//!
//! - [`server`](Sink): the providers, started and stopped together.
//! - `http`, `smtp`: the two servers, over the providers of [`targets::fakes`].
//! - [`faults`](SinkFaults): what the providers do wrong, on order.
//! - `contents`: from a message's words to what is kept of it.
//! - [`mailbox`](Mailbox): what was delivered, for a while, and waiting for it; `shard` is a part of it, `late` is what is under way.
//! - [`rate`]: how many messages a second it takes.

mod contents;
mod faults;
mod http;
mod late;
mod letter;
mod mailbox;
mod post;
pub mod rate;
mod server;
mod shard;
mod smtp;

pub use faults::{SinkFaults, Trouble};
pub use letter::{Letter, Wanted};
pub use mailbox::{Counts, Mailbox};
pub use server::{Sink, SinkOptions};
