//! The reference implementation of sign-in with two-step verification, on hyper, small enough to read in an evening.
//!
//! - [`domain`]: what is kept: the account aggregate and the small types it is made of.
//! - [`settings`]: what the operator declares.
//! - [`rules`]: every decision, one method each, by area, with the requirement it keeps.
//! - [`parts`]: clock, codes, tokens, passwords, store, courier, locator: each replaceable alone.
//! - [`courier`]: email and push to the outside world, and the words of the messages.
//! - [`locator`]: places from a MaxMind database.
//! - [`service`]: the operations, over the parts.
//! - [`edge`]: HTTP in and out.
//! - [`server`]: the public API on a listener.
//! - [`control`]: the control interface on another.
//! - [`connections`]: what both have in common: limits, slow clients, an orderly end.
//! - [`metrics`]: what is counted.
//! - `process`: what the process takes of the machine.

pub mod connections;
pub mod control;
pub mod courier;
pub mod domain;
pub mod edge;
pub mod locator;
pub mod metrics;
pub mod parts;
mod process;
pub mod rules;
pub mod server;
pub mod service;
pub mod settings;

pub use connections::ConnectionLimits;
pub use parts::Parts;
pub use server::serve;
pub use service::Service;
pub use settings::Settings;
