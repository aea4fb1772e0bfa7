//! The delivery providers, faked: they accept what real services send, enter it in one delivery log, and fail on order.
//!
//! - [`smtp`]: email by SMTP; [`mime`]: a message's source as a person would read it.
//! - [`provider`]: the HTTP providers without a transport, which `fcm`, `sendgrid` and `generic` read; `mock` serves them.
//! - [`fault`]: what can be ordered to go wrong.

pub mod fault;
mod fcm;
mod generic;
mod json;
pub mod mime;
mod mock;
pub mod provider;
mod sendgrid;
pub mod smtp;

use std::io;
use std::net::SocketAddr;

use specs::Channel;

use crate::delivery_log::{DeliveryLog, Patterns};

pub use fault::{Fault, FaultOrder, Faults};
pub use json::Fields;
pub use mock::HttpProvider;
pub use smtp::{Mail, Mailroom, Receipt, SmtpSink};

/// Where each fake listens; port 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct FakeAddresses {
    pub smtp: SocketAddr,
    pub sendgrid: SocketAddr,
    pub fcm: SocketAddr,
}

impl Default for FakeAddresses {
    fn default() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            smtp: free,
            sendgrid: free,
            fcm: free,
        }
    }
}

/// All providers of one target. They stop when this is dropped.
pub struct Fakes {
    pub deliveries: DeliveryLog,
    /// What is ordered to go wrong.
    pub faults: Faults,
    pub smtp: SmtpSink,
    pub sendgrid: HttpProvider,
    pub fcm: HttpProvider,
}

impl Fakes {
    /// Starts all of them with an empty delivery log.
    pub async fn start(addresses: FakeAddresses, patterns: Patterns) -> io::Result<Self> {
        let (deliveries, faults) = (DeliveryLog::new(patterns), Faults::default());
        Ok(Self {
            smtp: SmtpSink::start(addresses.smtp, deliveries.clone(), faults.clone()).await?,
            sendgrid: HttpProvider::start(addresses.sendgrid, Channel::Email, deliveries.clone(), faults.clone()).await?,
            fcm: HttpProvider::start(addresses.fcm, Channel::Push, deliveries.clone(), faults.clone()).await?,
            deliveries,
            faults,
        })
    }
}
