//! The providers' ways of speaking over HTTP.
//!
//! | call | provider |
//! |---|---|
//! | `POST /v1/projects/PROJECT/messages:send` | FCM HTTP v1 |
//! | `POST /v3/mail/send` | SendGrid v3 |
//! | `POST /generic/push`, `POST /generic/email` | any other: `{"to", "text", "code"?, "data"?}` |

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::json;
use targets::Channel;
use targets::delivery_log::Patterns;

use super::letter::Letter;
use super::{fcm, generic, sendgrid};

/// An answer.
pub(super) type Response = http::Response<Full<Bytes>>;

/// Why a call makes no sense: the status, what is wrong, and the field it is wrong with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(
    pub(super) StatusCode,
    pub(super) &'static str,
    pub(super) Option<&'static str>,
);

/// Who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider<'a> {
    Fcm { project: &'a str },
    SendGrid,
    Generic(Channel),
}

impl<'a> Provider<'a> {
    /// Whose path this is.
    pub(super) fn at(path: &'a str) -> Option<Self> {
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

    pub(super) fn channel(self) -> Channel {
        match self {
            Self::Fcm { .. } => Channel::Push,
            Self::SendGrid => Channel::Email,
            Self::Generic(channel) => channel,
        }
    }

    /// The letters of a call. One that only asks whether it makes sense has none.
    pub(super) fn read(self, headers: &HeaderMap, body: &[u8], patterns: &Patterns) -> Result<Vec<Letter>, Wrong> {
        match self {
            Self::Fcm { .. } => fcm::read(body, patterns),
            Self::SendGrid if !has_key(headers) => Err(Wrong(
                StatusCode::UNAUTHORIZED,
                "The provided authorization grant is invalid, expired, or revoked",
                None,
            )),
            Self::SendGrid => sendgrid::read(body, patterns),
            Self::Generic(channel) => generic::read(channel, body, patterns),
        }
    }

    pub(super) fn accepted(self) -> Response {
        match self {
            Self::Fcm { project } => answer(
                StatusCode::OK,
                format!("{{\"name\":\"projects/{}/messages/stepproof\"}}", plain(project)),
            ),
            Self::SendGrid => {
                let mut response = empty(StatusCode::ACCEPTED);
                response
                    .headers_mut()
                    .insert("x-message-id", HeaderValue::from_static("stepproof"));
                response
            }
            Self::Generic(_) => empty(StatusCode::ACCEPTED),
        }
    }

    pub(super) fn refused(self) -> Response {
        match self {
            Self::Fcm { .. } => fcm::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "UNAVAILABLE",
                "the service is currently unavailable",
            ),
            _ => self.wrong(&Wrong(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", None)),
        }
    }

    pub(super) fn unregistered(self) -> Response {
        match self {
            Self::Fcm { .. } => fcm::error(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "UNREGISTERED",
                "requested entity was not found",
            ),
            Self::SendGrid => self.wrong(&Wrong(
                StatusCode::BAD_REQUEST,
                "Does not contain a valid address.",
                Some("personalizations.0.to.0.email"),
            )),
            Self::Generic(_) => self.wrong(&Wrong(StatusCode::GONE, "the recipient is gone", Some("to"))),
        }
    }

    pub(super) fn wrong(self, wrong: &Wrong) -> Response {
        let Wrong(status, message, field) = wrong;
        let body = match self {
            Self::Fcm { .. } => return fcm::error(*status, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message),
            Self::SendGrid => json!({"errors": [{"message": message, "field": field, "help": null}]}),
            Self::Generic(_) => json!({"error": message, "field": field}),
        };
        answer(*status, body.to_string())
    }
}

pub(super) fn answer(status: StatusCode, body: String) -> Response {
    let mut response = http::Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Full::default());
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
