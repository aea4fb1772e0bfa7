//! Refusals on the wire, as problems by RFC 9457. What each type is called and which status goes with it stands in the table of the
//! API, and only which of them it is stands here.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use specs::api::ProblemKind;

use super::respond::answer;
use crate::policy::{Limit, RateLimited};
use crate::service::Problem;

/// What is refused before the service is asked, beside what the service refuses.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Service(Problem),
    /// The path has no such method; the value of `Allow`.
    MethodNotAllowed(String),
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    ContentTooLarge,
    /// The body did not come in time.
    RequestTimeout,
    /// The body broke off, or its framing is wrong.
    BodyUnreadable,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Service(problem)
    }
}

/// The slug of the problem that was answered, carried beside the response for logs and metrics.
#[derive(Clone, Copy, Debug)]
pub struct Outcome(pub &'static str);

impl Refusal {
    fn kind(&self) -> ProblemKind {
        match self {
            Refusal::MethodNotAllowed(_) => ProblemKind::MethodNotAllowed,
            Refusal::UnsupportedMediaType => ProblemKind::UnsupportedMediaType,
            Refusal::ContentTooLarge => ProblemKind::ContentTooLarge,
            Refusal::RequestTimeout => ProblemKind::RequestTimeout,
            Refusal::BodyUnreadable => ProblemKind::InvalidRequest,
            Refusal::Service(problem) => match problem {
                Problem::InvalidRequest(_) => ProblemKind::InvalidRequest,
                Problem::InvalidCredentials => ProblemKind::InvalidCredentials,
                Problem::UpdateRequired(_) => ProblemKind::UpdateRequired,
                Problem::RateLimited(limited) => match limited.limit {
                    Limit::Attempts => ProblemKind::TooManyAttempts,
                    Limit::Challenges => ProblemKind::TooManyChallenges,
                    Limit::Cooldown => ProblemKind::SendTooSoon,
                    Limit::Sends => ProblemKind::SendLimit,
                },
                Problem::DeliveryFailed { .. } => ProblemKind::DeliveryFailed,
                Problem::Unavailable { .. } => ProblemKind::Unavailable,
                Problem::ChallengeNotLive => ProblemKind::ChallengeNotLive,
                Problem::CodeRejected => ProblemKind::CodeRejected,
                Problem::MethodUnavailable => ProblemKind::MethodUnavailable,
                Problem::SessionNotLive => ProblemKind::SessionNotLive,
                Problem::TrustedDeviceRequired => ProblemKind::TrustedDeviceRequired,
                Problem::ReauthenticationRequired => ProblemKind::ReauthenticationRequired,
                Problem::PasswordUnacceptable(_) => ProblemKind::PasswordUnacceptable,
                Problem::ResetNotLive => ProblemKind::ResetNotLive,
                Problem::NotFound => ProblemKind::NotFound,
            },
        }
    }

    /// The answer: a problem, and the headers that belong to its status.
    pub(crate) fn response(&self) -> Response<Bytes> {
        let kind = self.kind();
        let mut body = json!({"type": kind.uri(), "title": kind.title(), "status": kind.status()});
        let mut wait = None;
        match self {
            Refusal::Service(Problem::InvalidRequest(detail) | Problem::PasswordUnacceptable(detail)) => {
                body["detail"] = json!(detail);
            }
            Refusal::BodyUnreadable => body["detail"] = json!("the body could not be read"),
            Refusal::Service(Problem::UpdateRequired(minimum)) => body["minimum_version"] = json!(minimum),
            Refusal::Service(
                Problem::RateLimited(RateLimited { retry_after, .. })
                | Problem::DeliveryFailed { retry_after }
                | Problem::Unavailable { retry_after },
            ) => wait = Some(*retry_after),
            _ => {}
        }
        let status = StatusCode::from_u16(kind.status()).expect("the table has statuses that exist");
        let mut response = answer(status, "application/problem+json", body.to_string().into_bytes());
        response.extensions_mut().insert(Outcome(kind.slug()));
        let headers = response.headers_mut();
        if let Some(wait) = wait {
            // Whole seconds, rounded up: whoever comes back then is not refused again.
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Refusal::MethodNotAllowed(allow) = self {
            headers.insert(header::ALLOW, allow.parse().expect("methods are tokens"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Refusal::ContentTooLarge | Refusal::RequestTimeout | Refusal::BodyUnreadable = self {
            // The rest of the body stands before the next request. hyper reads this header of an answer, too, and closes the
            // connection once the answer is written.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
