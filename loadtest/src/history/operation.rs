//! What happened to one account, as its clients saw it: the history that is judged after the storm.

use serde::{Deserialize, Serialize};
use targets::Refusal;

/// One operation and its answer. Microseconds from the storm's beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The account: a number of the population.
    pub account: u64,
    /// The device that acts: numbers are the account's own, its prepared trusted device is 0.
    pub device: u32,
    pub call: Call,
    pub response: Response,
    pub invoked_us: u64,
    /// When the answer was there, or was given up.
    pub returned_us: u64,
}

/// An operation. Challenges are numbered by the history, not by the service: unique within the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    SignIn {
        /// Whether the password is the account's present one.
        password: bool,
        /// Whether the app is one that is served.
        app: bool,
    },
    /// Second step.
    Verify {
        challenge: u32,
        code: CodeUsed,
    },
    Resend {
        challenge: u32,
    },
    Switch {
        challenge: u32,
    },
    /// A request in the session.
    Use,
    Refresh,
    SignOut,
    /// Another device of the account removed.
    Remove {
        device: u32,
    },
    /// A new password, giving the present one.
    ChangePassword,
}

/// A code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeUsed {
    /// The `number`th message (from 0) of a challenge of this account, as the sink received it.
    Delivered {
        /// The challenge it was sent for.
        challenge: u32,
        number: u32,
    },
    Guess,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// A session was opened or renewed.
    SignedIn,
    /// A challenge, which the history numbers.
    Challenged(u32),
    Done,
    Refused(Refusal),
    Limited,
    /// No answer, or a failure of the server: it may have been done or not.
    Unknown,
}
