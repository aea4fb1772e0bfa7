//! What stands between the core and the world: none of it is needed to understand the flow, and the core imports none of it.
//!
//! - [`mailer`]: email by SMTP or SendGrid, push by FCM, a mailbox for development, and the words of the messages.
//! - [`locator`]: places from a MaxMind database.
//! - [`prometheus`]: the counts of a server as a page for Prometheus.
//! - [`admin`]: clock, accounts, delivery targets and counts of a server under test, on an address of its own.

pub mod admin;
pub mod locator;
pub mod mailer;
pub mod prometheus;
