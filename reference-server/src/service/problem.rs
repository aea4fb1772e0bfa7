//! What an operation may be refused with. Each is a named case; how it looks on the wire is HTTP's business.

use std::time::Duration;

use crate::policy::RateLimited;

/// When to ask again after what may be over in a moment.
pub(super) const RETRY_SOON: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The request is malformed: what and where.
    InvalidRequest(String),
    /// The identifier or the password is not right, or the account may not be used.
    InvalidCredentials,
    /// The app is older than this minimum.
    UpdateRequired(String),
    /// Too often.
    RateLimited(RateLimited),
    /// The provider took no message.
    DeliveryFailed {
        retry_after: Duration,
    },
    /// More passwords wait to be judged than may, or the store cannot be reached.
    Unavailable {
        retry_after: Duration,
    },
    /// No live challenge answers to this handle.
    ChallengeNotLive,
    CodeRejected,
    /// The method is switched off or cannot be used.
    MethodUnavailable,
    /// No live session answers to this credential.
    SessionNotLive,
    /// Only a trusted device may do this.
    TrustedDeviceRequired,
    /// A recent proof of the password is needed.
    ReauthenticationRequired,
    /// The new password is not acceptable: why.
    PasswordUnacceptable(String),
    /// No live reset answers to this token.
    ResetNotLive,
    NotFound,
}
impl Problem {
    pub(super) const BUSY: Problem = Problem::Unavailable { retry_after: RETRY_SOON };
}

impl From<RateLimited> for Problem {
    fn from(limited: RateLimited) -> Self {
        Problem::RateLimited(limited)
    }
}
