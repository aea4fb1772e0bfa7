//! The delivery providers, faked: they accept what real services send, enter it in one delivery log, and fail on order.
//!
//! - [`smtp`]: email by SMTP.
//! - [`sendgrid`]: email by the SendGrid v3 mail-send call.
//! - [`fcm`]: push by the FCM HTTP v1 send call.
//! - [`mime`]: a message's source as a person would read it.
//! - [`fault`]: what can be ordered to go wrong.

pub mod fault;
pub mod fcm;
pub mod mime;
mod provider;
pub mod sendgrid;
pub mod smtp;

use std::io;
use std::net::SocketAddr;

use crate::delivery_log::{DeliveryLog, Patterns};

pub use fault::{Fault, FaultOrder, Faults};
pub use fcm::Fcm;
pub use sendgrid::SendGrid;
pub use smtp::{Mail, Mailroom, Receipt, SmtpSink};

/// Where each fake listens; port 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct FakeAddresses {
    /// SMTP.
    pub smtp: SocketAddr,
    /// SendGrid v3.
    pub sendgrid: SocketAddr,
    /// FCM HTTP v1.
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
    /// What was delivered.
    pub deliveries: DeliveryLog,
    /// What is ordered to go wrong.
    pub faults: Faults,
    /// Email by SMTP.
    pub smtp: SmtpSink,
    /// Email by SendGrid.
    pub sendgrid: SendGrid,
    /// Push by FCM.
    pub fcm: Fcm,
}

impl Fakes {
    /// Starts all of them with an empty delivery log.
    pub async fn start(addresses: FakeAddresses, patterns: Patterns) -> io::Result<Self> {
        let (deliveries, faults) = (DeliveryLog::new(patterns), Faults::default());
        Ok(Self {
            smtp: SmtpSink::start(addresses.smtp, deliveries.clone(), faults.clone()).await?,
            sendgrid: SendGrid::start(addresses.sendgrid, deliveries.clone(), faults.clone()).await?,
            fcm: Fcm::start(addresses.fcm, deliveries.clone(), faults.clone()).await?,
            deliveries,
            faults,
        })
    }
}
