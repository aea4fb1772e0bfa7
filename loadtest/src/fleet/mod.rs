//! One storm on several machines, with Locust's master (feature `locust`) or without (a Kubernetes Indexed Job): each runs the shard
//! `nth % of == index` of the arrivals, all begin at the same instant, and the records become one. No verdict when a shard is missing.
//!
//! - [`mod@merge`]: the records.
//! - `locust`: a worker of Locust's master.

#[cfg(feature = "locust")]
pub mod locust;
pub mod merge;
mod sum;

pub use merge::{Part, Refusal, merge};

#[cfg(test)]
mod tests;
