//! The reference implementation of sign-in with two-step verification, on hyper, small enough to read in an evening.
//!
//! - [`domain`]: what is kept: the account aggregate and the small types it is made of.
//! - [`settings`]: what the operator declares.
//! - [`rules`]: every decision, one method each, by area, with the requirement it keeps.
//! - [`parts`]: clock, codes, tokens, passwords, store, mailer, locator: each replaceable alone.
//! - [`service`]: the operations, over the parts.
//! - [`http`]: the API on hyper: connections and their limits, routes, bodies in, answers and problems out.
//! - [`metrics`]: what is counted.
//! - [`adapters`]: what reaches the world (providers, places, Prometheus, the admin API); nothing above imports it.

pub mod adapters;
pub mod domain;
pub mod http;
pub mod metrics;
pub mod parts;
pub mod rules;
pub mod service;
pub mod settings;
mod sync;

pub use crate::http as edge;
pub use crate::http::{ConnectionLimits, serve};
pub use parts::Parts;
pub use service::Service;
pub use settings::Settings;
