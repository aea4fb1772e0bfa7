//! A worker of Locust's master. The master (from PyPI) starts and stops the storm on many machines and shows it live; the storm itself
//! is run here, by whoever implements [`StormRunner`]. What the master shows is a view: the record is each worker's own interval log.
//!
//! - [`protocol`]: the messages, one MessagePack array a frame.
//! - [`order`]: what the master orders, and who carries it out.
//! - [`stats`]: samples as the deltas that the master adds up.
//! - `link`: the connection, which is built anew when the master goes away.
//! - [`worker`]: one worker, from its first word to its last.
//!
//! Locust's protocol has neither authentication nor encryption: it belongs on a private network.

mod link;
mod options;
pub mod order;
pub mod protocol;
mod running;
pub mod stats;
mod usage;
pub mod worker;

pub use options::WorkerOptions;
pub use order::{Order, StormRunner};
pub use stats::{LocustStats, Observer};
pub use worker::{Ended, run};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod worker_tests;
