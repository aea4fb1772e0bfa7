//! Limits on sending and guessing, and how a refusal names them.

use std::time::Duration;

use super::At;
use crate::account::Timestamp;

/// Which limit refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Wrong passwords or codes, of an account or a source.
    Attempts,
    /// Live challenges of an account.
    Challenges,
    /// Time between two messages.
    Cooldown,
    /// Messages of a challenge or an account.
    Sends,
}

/// Refused for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit:?} limited for another {retry_after:?}")]
pub struct RateLimited {
    pub limit: Limit,
    pub retry_after: Duration,
}

impl At<'_> {
    /// Refused until `end`.
    pub fn limited(self, end: Timestamp, limit: Limit) -> RateLimited {
        RateLimited {
            limit,
            retry_after: self.now.until(end),
        }
    }

    pub(super) fn not_before(self, end: Timestamp, limit: Limit) -> Result<(), RateLimited> {
        if self.now < end {
            Err(self.limited(end, limit))
        } else {
            Ok(())
        }
    }
}
