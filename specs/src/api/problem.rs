//! Problem types (RFC 9457), and what each says about the operation.

use serde::{Deserialize, Serialize};

/// The prefix of every problem type's URI.
pub const PROBLEMS_PREFIX: &str = "https://stepproof.dev/problems/";

/// Why a request was refused. Targets that do not tell give [`Refusal::Unspecified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Identifier or password.
    Credentials,
    /// The app is too old while two-step verification is on.
    UpdateRequired,
    /// The code was judged and is not right.
    Code,
    /// No live challenge answers to this handle.
    Challenge,
    /// No live session answers to these credentials.
    Session,
    /// The request itself is malformed.
    Invalid,
    /// A recent proof of the password is needed.
    Reauthentication,
    NotFound,
    /// Refused without a reason this harness knows.
    Unspecified,
}

impl Refusal {
    pub const ALL: [Refusal; 9] = [
        Refusal::Credentials,
        Refusal::UpdateRequired,
        Refusal::Code,
        Refusal::Challenge,
        Refusal::Session,
        Refusal::Invalid,
        Refusal::Reauthentication,
        Refusal::NotFound,
        Refusal::Unspecified,
    ];
}

/// What a problem says about the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Refused(Refusal),
    /// Refused for now by a limit.
    Limited,
    /// Nothing: the request was not judged.
    Broken,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $slug:literal $status:literal $title:literal $verdict:expr;)*) => {
        /// A problem type of the reference API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)*
        }

        impl ProblemKind {
            pub const ALL: &'static [ProblemKind] = &[$(ProblemKind::$name),*];

            /// The last segment of the type's URI.
            pub const fn slug(self) -> &'static str {
                match self { $(ProblemKind::$name => $slug,)* }
            }

            /// The one HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(ProblemKind::$name => $status,)* }
            }

            pub const fn title(self) -> &'static str {
                match self { $(ProblemKind::$name => $title,)* }
            }

            /// What it says about the operation.
            pub const fn verdict(self) -> Verdict {
                match self { $(ProblemKind::$name => $verdict,)* }
            }
        }
    };
}

use Verdict::{Broken, Limited, Refused};

problems! {
    InvalidRequest = "invalid-request" 400 "The request is not valid" Refused(Refusal::Invalid);
    InvalidCredentials = "invalid-credentials" 401 "Identifier or password is wrong" Refused(Refusal::Credentials);
    CodeRejected = "code-rejected" 401 "The code is wrong" Refused(Refusal::Code);
    ChallengeNotLive = "challenge-not-live" 401 "There is no such pending sign-in" Refused(Refusal::Challenge);
    SessionNotLive = "session-not-live" 401 "There is no such session" Refused(Refusal::Session);
    ResetNotLive = "reset-not-live" 401 "There is no such password reset" Refused(Refusal::Unspecified);
    UpdateRequired = "update-required" 403 "The app has to be updated" Refused(Refusal::UpdateRequired);
    TrustedDeviceRequired = "trusted-device-required" 403 "Only a trusted device may do this" Refused(Refusal::Unspecified);
    ReauthenticationRequired = "reauthentication-required" 403 "The password has to be proved again"
        Refused(Refusal::Reauthentication);
    NotFound = "not-found" 404 "There is nothing here" Refused(Refusal::NotFound);
    MethodNotAllowed = "method-not-allowed" 405 "The method is not allowed here" Refused(Refusal::Unspecified);
    /// The client was too slow: whatever it asked was not read.
    RequestTimeout = "request-timeout" 408 "The request came too slowly" Broken;
    /// The code cannot be sent over this channel.
    MethodUnavailable = "method-unavailable" 409 "The code cannot be sent this way" Refused(Refusal::Unspecified);
    ContentTooLarge = "content-too-large" 413 "The body is too large" Refused(Refusal::Invalid);
    UnsupportedMediaType = "unsupported-media-type" 415 "The body has to be application/json" Refused(Refusal::Invalid);
    PasswordUnacceptable = "password-unacceptable" 422 "The password is not acceptable" Refused(Refusal::Invalid);
    TooManyAttempts = "too-many-attempts" 429 "Too many wrong attempts" Limited;
    TooManyChallenges = "too-many-challenges" 429 "Too many sign-ins are under way" Limited;
    SendTooSoon = "send-too-soon" 429 "A code was sent a moment ago" Limited;
    SendLimit = "send-limit" 429 "No more codes can be sent for now" Limited;
    /// A provider that does not deliver is no failure of the server, when the server says so.
    DeliveryFailed = "delivery-failed" 503 "The code could not be sent" Refused(Refusal::Unspecified);
    Unavailable = "unavailable" 503 "The service is busy" Broken;
}

impl ProblemKind {
    /// The problem of this type's URI and status; a type with another status is none of ours.
    pub fn find(uri: &str, status: u16) -> Option<Self> {
        let slug = uri.strip_prefix(PROBLEMS_PREFIX)?;
        let same = |kind: &&Self| kind.slug() == slug && kind.status() == status;
        Self::ALL.iter().find(same).copied()
    }

    /// The URI of the type.
    pub fn uri(self) -> String {
        format!("{PROBLEMS_PREFIX}{}", self.slug())
    }
}
