//! What a clock that goes back means.

use super::Standard;
use crate::account::Timestamp;

/// What a clock that goes back means.
pub trait TimeRules: Send + Sync {
    /// By how many milliseconds the service's own time has to run ahead of the clock from now on, when the clock told `told`
    /// after it had told `before`: by as much as it went back. So what was used, expired or removed stays so, and a lock ends
    /// when as much time has passed as it was to hold (TIME-03).
    fn carried_forward(&self, before: Timestamp, told: Timestamp) -> i64 {
        before.0.saturating_sub(told.0).max(0)
    }
}

impl TimeRules for Standard {}
