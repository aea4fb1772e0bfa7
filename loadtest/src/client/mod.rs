//! One device's way to the service. It is cheap, because what the generator itself needs is taken from what it can offer.
//!
//! - [`phone`]: what a device holds.
//! - `wire`: its HTTP/1.1 connection, opened anew where the server closed it; `connection` is one that stands, `stream` its bytes.
//! - `slots`: room for connections where files are few.
//! - `native`: the reference API over it.
//! - `bound`: any other implementation, through its target.
//! - [`lines`]: where lines come from.

mod bound;
mod connection;
pub mod lines;
mod native;
pub mod phone;
mod reading;
mod reconnects;
mod request;
mod slots;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use targets::{Channel, Operation, Outcome};

pub use lines::{LineError, Lines, Waits};
pub use phone::Phone;

/// One device's way to the service.
pub enum Line {
    /// The reference API on a connection of its own.
    Native(Box<native::Native>),
    /// Any implementation, over its target's connections.
    Bound(Box<bound::Bound>),
}

/// What an operation brought back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The class of the answer, or why there is none.
    pub outcome: Result<Outcome, Unanswered>,
    /// What it told, besides the credentials that the phone now holds.
    pub facts: Facts,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request certainly never left: nothing was done.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have been done or not.
    #[error("no answer: {0}")]
    Lost(String),
}

/// The facts of an accepted answer; what an operation does not tell stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub challenge_id: Option<String>,
    pub method: Option<Channel>,
    pub methods: Vec<Channel>,
    pub device_id: Option<String>,
    /// The account's devices: id and label.
    pub devices: Vec<(String, String)>,
}

impl Line {
    /// Performs the operation as this phone, which takes over the credentials of an accepted answer.
    pub async fn perform(&mut self, phone: &mut Phone, operation: Operation) -> Reply {
        match self {
            Line::Native(native) => native.perform(phone, &operation).await,
            Line::Bound(bound) => bound.perform(phone, operation).await,
        }
    }

    /// A code of the right shape that is not `right`.
    pub fn wrong_code(&self, right: &str, nth: u32) -> String {
        match self {
            Line::Native(_) => targets::wrong_code(right, nth),
            Line::Bound(bound) => bound.wrong_code(right, nth),
        }
    }

    /// Closes the connection; the next operation opens another. The connections of a bound target are its own and stay.
    pub fn close(&mut self) {
        if let Line::Native(native) = self {
            native.close();
        }
    }
}

impl Reply {
    fn unanswered(why: Unanswered) -> Self {
        Self {
            outcome: Err(why),
            facts: Facts::default(),
        }
    }
}
