//! Problems on the wire (RFC 9457): each case fixes type, title and status together.

use http::StatusCode;

use crate::service::Problem;

/// What the edge itself refuses, beside what the service does.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// The service refused.
    Service(Problem),
    /// The path has no such method; these it has.
    MethodNotAllowed(&'static str),
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Service(problem)
    }
}

/// The stable type URI of a problem.
pub fn problem_type(slug: &str) -> String {
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
        Problem::TooManyAttempts(_) => ("too-many-attempts", "Too many wrong attempts", StatusCode::TOO_MANY_REQUESTS),
        Problem::TooManyChallenges(_) => (
            "too-many-challenges",
            "Too many sign-ins are under way",
            StatusCode::TOO_MANY_REQUESTS,
        ),
        Problem::SendTooSoon(_) => ("send-too-soon", "A code was sent a moment ago", StatusCode::TOO_MANY_REQUESTS),
        Problem::SendLimit(_) => (
            "send-limit",
            "No more codes can be sent for now",
            StatusCode::TOO_MANY_REQUESTS,
        ),
        Problem::DeliveryFailed(_) => (
            "delivery-failed",
            "The code could not be sent",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        Problem::Unavailable(_) => ("unavailable", "The service is busy", StatusCode::SERVICE_UNAVAILABLE),
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
