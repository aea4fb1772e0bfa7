//! The reference implementation of sign-in with two-step verification, on hyper, small enough to read in an evening.
//!
//! - [`account`]: what is kept: the account aggregate and the small types it is made of.
//! - [`config`]: what the operator declares.
//! - [`policy`]: every decision, one method each, with the requirement it keeps.
//! - [`ports`]: clock, codes, tokens, passwords, store, mailer, locator: each replaceable alone.
//! - [`service`]: the operations, over the ports.
//! - [`http`]: the API on hyper: connections and their limits, routes, bodies in, answers and problems out.
//! - [`metrics`]: what is counted.
//! - [`adapters`]: what reaches the world (providers, places, Prometheus, the admin API); nothing above imports it.

pub mod account;
pub mod adapters;
pub mod config;
mod deps;
pub mod http;
pub mod metrics;
pub mod policy;
pub mod ports;
pub mod service;
mod sync;

pub use crate::http::{Composition, ConnectionLimits, serve};
pub use config::Config;
pub use deps::Deps;
pub use service::Service;
