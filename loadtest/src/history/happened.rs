//! What happened to one account, as its clients saw it: the history that is judged after the storm.

use serde::{Deserialize, Serialize};
use targets::Refusal;

/// One operation and its answer. Microseconds from the storm's beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// The account: a number of the population.
    pub account: u64,
    /// The device that acts: numbers are the account's own, its prepared trusted device is 0.
    pub device: u32,
    /// What it did.
    pub act: Act,
    /// What it was answered.
    pub seen: Seen,
    /// When the request left.
    pub started_us: u64,
    /// When the answer was there, or was given up.
    pub done_us: u64,
}

/// An operation. Challenges are numbered by the history, not by the service: unique within the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// First step.
    SignIn {
        /// Whether the password is the account's present one.
        password: bool,
        /// Whether the app is one that is served.
        app: bool,
    },
    /// Second step.
    Verify {
        /// The challenge.
        challenge: u32,
        /// What was presented.
        code: Presented,
    },
    /// The code again.
    Resend {
        /// The challenge.
        challenge: u32,
    },
    /// The code by email.
    Switch {
        /// The challenge.
        challenge: u32,
    },
    /// A request in the session.
    Use,
    /// The session renewed.
    Refresh,
    /// The session ended.
    SignOut,
    /// Another device of the account removed.
    Remove {
        /// Which.
        device: u32,
    },
    /// A new password, giving the present one.
    ChangePassword,
}

/// A code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presented {
    /// The `number`th message (from 0) of a challenge of this account, as the sink received it.
    Delivered {
        /// The challenge it was sent for.
        challenge: u32,
        /// Which of its messages.
        number: u32,
    },
    /// A guess.
    Guess,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// A session was opened or renewed.
    SignedIn,
    /// A challenge, which the history numbers.
    Challenged(u32),
    /// Done.
    Done,
    /// Refused.
    Refused(Refusal),
    /// Refused for now.
    Limited,
    /// No answer, or a failure of the server: it may have been done or not.
    Unknown,
}
