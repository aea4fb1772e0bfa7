//! The service under load when no target is named: the reference server, on the loopback and nowhere else, with the system's
//! time. Storms run against [`Child`], a process of its own whose processor time and memory can be read; [`Embedded`] is the same
//! inside this process, on threads of its own.
//!
//! - `options`: what it is to be.
//! - `embedded`: in this process.
//! - `child`: as a process; [`serve_embedded`] is what that process does.
//! - `admin`: what is asked of its admin API.

mod admin;
mod child;
mod embedded;
mod options;

pub use admin::{AdminClient, BATCH};
pub use child::{Child, SERVE_EMBEDDED, serve_embedded};
pub use embedded::{Embedded, THREADS_NAMED};
pub use options::{Addresses, Hash, Options};

/// Why there is no server, or why it does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ServerFault {
    /// There is no such mutant.
    #[error("there is no mutant `{0}`; `stepproof selftest --list` names them all")]
    NoSuchMutant(String),
    /// The settings are not to be had so.
    #[error("the server's settings: {0}")]
    Settings(String),
    /// A provider's URL cannot be used.
    #[error("the server's deliveries: {0}")]
    Delivery(#[from] reference_server::adapters::mailer::TargetFault),
    /// No address to listen on.
    #[error("the server cannot listen on 127.0.0.1:{port}: {error}")]
    Listen {
        /// The port, or 0 for any.
        port: u16,
        error: std::io::Error,
    },
    /// The process or its threads do not start.
    #[error("the server cannot start: {0}")]
    Start(String),
    /// The admin API does not answer.
    #[error("the admin API at {origin}: {what}")]
    Control { origin: String, what: String },
    /// An account cannot be prepared.
    #[error("the accounts cannot be prepared: {0}")]
    Seed(String),
}
