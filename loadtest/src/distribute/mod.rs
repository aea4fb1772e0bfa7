//! One storm on several machines, with Locust's master ([`crate::locust`]) or without (a Kubernetes Indexed Job): each runs the slice
//! `nth % of == index` of the arrivals, all begin at the same instant, and the records become one. No verdict when a slice is missing.
//!
//! - [`start`]: the instant.
//! - [`mod@merge`]: the records.

pub mod merge;
mod slice;
pub mod start;
mod sum;

pub use merge::{Part, Refusal, merge};
pub use start::Start;

#[cfg(test)]
mod tests;
