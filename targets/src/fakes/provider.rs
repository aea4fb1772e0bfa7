//! The HTTP providers, without a transport: whose path a call came to, what it sends, what it is answered. `wiremock` serves
//! them to the conformance suite, where faults are ordered one by one; storms serve them on a plain hyper server.
//!
//! | call | provider |
//! |---|---|
//! | `POST /v1/projects/PROJECT/messages:send` | FCM HTTP v1 |
//! | `POST /v3/mail/send` | SendGrid v3 |
//! | `POST /generic/push`, `POST /generic/email` | any other: `{"to", "text", "code"?, "data"?}` |

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;
use specs::Channel;

use super::json::Fields;
use super::{fcm, generic, sendgrid};

/// Who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider<'a> {
    Fcm { project: &'a str },
    SendGrid,
    Generic(Channel),
}

/// One message of a call. It borrows from the call: a storm reads tens of thousands a second.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    pub channel: Channel,
    pub from: Option<&'a str>,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: Option<&'a str>,
    pub data: &'a Fields<'a>,
    /// The code, where the call tells it outright.
    pub code: Option<&'a str>,
}

/// Why a call makes no sense: the status, what is wrong, and the field it is wrong with.
#[derive(Debug, PartialEq, Eq)]
pub struct BadCall(pub StatusCode, pub &'static str, pub Option<&'static str>);

impl BadCall {
    pub(super) fn request(what: &'static str, field: Option<&'static str>) -> Self {
        Self(StatusCode::BAD_REQUEST, what, field)
    }
}

impl<'a> Provider<'a> {
    /// Whose path this is.
    pub fn at(path: &'a str) -> Option<Self> {
        match path {
            "/v3/mail/send" => Some(Self::SendGrid),
            "/generic/push" => Some(Self::Generic(Channel::Push)),
            "/generic/email" => Some(Self::Generic(Channel::Email)),
            _ => {
                let project = path.strip_prefix("/v1/projects/")?.strip_suffix("/messages:send")?;
                (!project.is_empty() && !project.contains('/')).then_some(Self::Fcm { project })
            }
        }
    }

    pub fn channel(self) -> Channel {
        match self {
            Self::Fcm { .. } => Channel::Push,
            Self::SendGrid => Channel::Email,
            Self::Generic(channel) => channel,
        }
    }

    /// Tells every message of a call; one that only asks whether it makes sense has none. What was told before an error counts
    /// for nothing.
    pub fn read(self, headers: &HeaderMap, body: &[u8], tell: impl FnMut(&Sent<'_>)) -> Result<(), BadCall> {
        match self {
            Self::Fcm { .. } => fcm::read(body, tell),
            Self::SendGrid if !has_key(headers) => Err(BadCall(
                StatusCode::UNAUTHORIZED,
                "The provided authorization grant is invalid, expired, or revoked",
                None,
            )),
            Self::SendGrid => sendgrid::read(body, tell),
            Self::Generic(channel) => generic::read(channel, body, tell),
        }
    }

    /// The answer to a call that was accepted.
    pub fn accepted(self) -> Response<Bytes> {
        match self {
            Self::Fcm { project } => answer(
                StatusCode::OK,
                format!("{{\"name\":\"projects/{}/messages/stepproof\"}}", plain(project)),
            ),
            Self::SendGrid => {
                let mut response = empty(StatusCode::ACCEPTED);
                let id = HeaderValue::from_static("stepproof");
                response.headers_mut().insert("x-message-id", id);
                response
            }
            Self::Generic(_) => empty(StatusCode::ACCEPTED),
        }
    }

    /// The answer to a call that is refused, for good or for now.
    pub fn refused(self, for_good: bool) -> Response<Bytes> {
        match (self, for_good) {
            (Self::Fcm { .. }, false) => fcm::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "UNAVAILABLE",
                "the service is currently unavailable",
            ),
            (_, false) => self.bad(&BadCall(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", None)),
            (_, true) => self.bad(&BadCall::request("The message cannot be sent", None)),
        }
    }

    /// The answer when the recipient is gone for good.
    pub fn unregistered(self) -> Response<Bytes> {
        match self {
            Self::Fcm { .. } => fcm::error(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "UNREGISTERED",
                "requested entity was not found",
            ),
            Self::SendGrid => self.bad(&BadCall::request(
                "Does not contain a valid address.",
                Some("personalizations.0.to.0.email"),
            )),
            Self::Generic(_) => self.bad(&BadCall(StatusCode::GONE, "the recipient is gone", Some("to"))),
        }
    }

    /// The answer to a call that makes no sense.
    pub fn bad(self, bad: &BadCall) -> Response<Bytes> {
        let BadCall(status, message, field) = bad;
        let body = match self {
            Self::Fcm { .. } => return fcm::error(*status, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message),
            Self::SendGrid => json!({"errors": [{"message": message, "field": field, "help": null}]}),
            Self::Generic(_) => json!({"error": message, "field": field}),
        };
        answer(*status, body.to_string())
    }
}

pub(super) fn answer(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

fn has_key(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = value.and_then(|value| value.strip_prefix("Bearer "));
    key.is_some_and(|key| !key.trim().is_empty())
}

/// A part of a path that can stand in a JSON text as it is: a quote or a backslash is no part of a project's name.
fn plain(project: &str) -> &str {
    if project.contains(['"', '\\']) { "" } else { project }
}
