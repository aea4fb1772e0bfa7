//! What an operation may be refused with. Each is a named case; how it looks on the wire is the edge's business.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The request is malformed: what and where.
    InvalidRequest(String),
    /// The identifier or the password is not right, or the account may not be used.
    InvalidCredentials,
    /// The app is older than this minimum.
    UpdateRequired(String),
    /// Too many wrong passwords or codes; seconds to wait.
    TooManyAttempts(u64),
    /// Too many live challenges; seconds to wait.
    TooManyChallenges(u64),
    /// The cool-down is not over; seconds to wait.
    SendTooSoon(u64),
    /// No more messages for now; seconds to wait.
    SendLimit(u64),
    /// The provider took no message; seconds to wait.
    DeliveryFailed(u64),
    /// More passwords wait to be judged than may; seconds to wait.
    Unavailable(u64),
    /// No live challenge answers to this handle.
    ChallengeNotLive,
    /// The code is not right.
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
    /// There is no such resource.
    NotFound,
}
