//! Problems on the wire (RFC 9457): each case fixes type, title and status together.

use http::StatusCode;

use crate::policy::Limit;
use crate::service::Problem;

/// What is refused before the service is asked, beside what the service refuses.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Service(Problem),
    /// The path has no such method; these it has.
    MethodNotAllowed(&'static str),
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    ContentTooLarge,
    /// The body did not come in time.
    RequestTimeout,
    /// The body broke off, or its framing is wrong.
    BodyUnreadable,
}

impl Refusal {
    /// Whether the connection is over: the rest of a body that was not read stands before the next request.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(
            self,
            Refusal::ContentTooLarge | Refusal::RequestTimeout | Refusal::BodyUnreadable
        )
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Service(problem)
    }
}

/// The stable type URI of a problem.
pub(super) fn problem_type(slug: &str) -> String {
    format!("https://stepproof.dev/problems/{slug}")
}

/// Slug, title and status of a refusal.
pub(super) fn shape(refusal: &Refusal) -> (&'static str, &'static str, StatusCode) {
    let problem = match refusal {
        Refusal::MethodNotAllowed(_) => {
            return (
                "method-not-allowed",
                "The method is not allowed here",
                StatusCode::METHOD_NOT_ALLOWED,
            );
        }
        Refusal::UnsupportedMediaType => {
            return (
                "unsupported-media-type",
                "The body has to be application/json",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            );
        }
        Refusal::ContentTooLarge => return ("content-too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE),
        Refusal::RequestTimeout => {
            return (
                "request-timeout",
                "The body did not come in time",
                StatusCode::REQUEST_TIMEOUT,
            );
        }
        Refusal::BodyUnreadable => return ("invalid-request", "The body could not be read", StatusCode::BAD_REQUEST),
        Refusal::Service(problem) => problem,
    };
    match problem {
        Problem::InvalidRequest(_) => ("invalid-request", "The request is not valid", StatusCode::BAD_REQUEST),
        Problem::InvalidCredentials => (
            "invalid-credentials",
            "Identifier or password is wrong",
            StatusCode::UNAUTHORIZED,
        ),
        Problem::UpdateRequired(_) => ("update-required", "The app has to be updated", StatusCode::FORBIDDEN),
        Problem::RateLimited(limited) => {
            let (slug, title) = match limited.limit {
                Limit::Attempts => ("too-many-attempts", "Too many wrong attempts"),
                Limit::Challenges => ("too-many-challenges", "Too many sign-ins are under way"),
                Limit::Cooldown => ("send-too-soon", "A code was sent a moment ago"),
                Limit::Sends => ("send-limit", "No more codes can be sent for now"),
            };
            (slug, title, StatusCode::TOO_MANY_REQUESTS)
        }
        Problem::DeliveryFailed { .. } => (
            "delivery-failed",
            "The code could not be sent",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        Problem::Unavailable { .. } => ("unavailable", "The service is busy", StatusCode::SERVICE_UNAVAILABLE),
        Problem::ChallengeNotLive => (
            "challenge-not-live",
            "There is no such pending sign-in",
            StatusCode::UNAUTHORIZED,
        ),
        Problem::CodeRejected => ("code-rejected", "The code is wrong", StatusCode::UNAUTHORIZED),
        Problem::MethodUnavailable => ("method-unavailable", "The code cannot be sent this way", StatusCode::CONFLICT),
        Problem::SessionNotLive => ("session-not-live", "There is no such session", StatusCode::UNAUTHORIZED),
        Problem::TrustedDeviceRequired => (
            "trusted-device-required",
            "Only a trusted device may do this",
            StatusCode::FORBIDDEN,
        ),
        Problem::ReauthenticationRequired => (
            "reauthentication-required",
            "The password has to be proved again",
            StatusCode::FORBIDDEN,
        ),
        Problem::PasswordUnacceptable(_) => (
            "password-unacceptable",
            "The password is not acceptable",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        Problem::ResetNotLive => ("reset-not-live", "There is no such password reset", StatusCode::UNAUTHORIZED),
        Problem::NotFound => ("not-found", "There is nothing here", StatusCode::NOT_FOUND),
    }
}
