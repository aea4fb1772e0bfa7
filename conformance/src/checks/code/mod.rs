//! Codes: their shape, their randomness, and that no code opens everything.
//!
//! - [`shape`]: length and leading zeros.
//! - [`chance`]: uniform and unpredictable.
//! - [`universal`]: codes that nobody drew.
//! - [`collect`]: many codes, cheaply.
//! - [`statistics`]: what chance would do.

pub(crate) mod chance;
mod collect;
pub(crate) mod shape;
mod statistics;
pub(crate) mod universal;
