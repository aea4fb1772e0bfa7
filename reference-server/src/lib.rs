//! The reference implementation of sign-in with two-step verification, on hyper, small enough to read in an evening.
//!
//! - [`account`]: what is kept: the account aggregate and the small types it is made of.
//! - [`config`]: what the operator declares.
//! - [`policy`]: every decision, one method each, with the requirement it keeps.
//! - [`ports`]: clock, codes, tokens, passwords, store, courier, locator: each replaceable alone.
//! - [`courier`]: email and push to the outside world, and the words of the messages.
//! - [`locator`]: places from a MaxMind database.
//! - [`service`]: the operations, over the ports.
//! - [`edge`]: HTTP in and out.
//! - [`server`]: the public API on a listener.
//! - [`control`]: the control interface on another.
//! - [`connections`]: what both have in common: limits, slow clients, an orderly end.
//! - [`metrics`]: what is counted.
//! - `process`: what the process takes of the machine.

pub mod account;
pub mod config;
pub mod connections;
pub mod control;
pub mod courier;
pub mod edge;
pub mod locator;
pub mod metrics;
pub mod policy;
pub mod ports;
mod process;
pub mod server;
pub mod service;

pub use config::Config;
pub use connections::ConnectionLimits;
pub use ports::Deps;
pub use server::serve;
pub use service::Service;
