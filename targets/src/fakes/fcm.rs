//! Push by the FCM HTTP v1 send call. It asks for no credential: what a target shows Google is none of its business.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use specs::Channel;

use super::json::{Fields, Text};
use super::provider::{BadCall, Sent, answer};

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    validate_only: bool,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    token: Option<Text<'a>>,
    #[serde(borrow)]
    notification: Option<Notification<'a>>,
    #[serde(borrow)]
    data: Option<Fields<'a>>,
}

#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

pub(super) fn read(body: &[u8], mut tell: impl FnMut(&Sent<'_>)) -> Result<(), BadCall> {
    let invalid = |what| BadCall::request(what, None);
    let call: Call<'_> = serde_json::from_slice(body).map_err(|_| invalid("the body is not a send call in JSON"))?;
    let message = call.message.ok_or(invalid("message is missing"))?;
    let token = message.token.filter(|token| !token.0.is_empty());
    let token = token.ok_or(invalid("recipient is missing"))?;
    if call.validate_only {
        return Ok(());
    }
    let shown = message.notification.as_ref();
    tell(&Sent {
        channel: Channel::Push,
        from: None,
        to: &token.0,
        subject: Text::or_empty(shown.and_then(|shown| shown.title.as_ref())),
        text: Text::or_empty(shown.and_then(|shown| shown.body.as_ref())),
        html: None,
        data: &message.data.unwrap_or_default(),
        code: None,
    });
    Ok(())
}

/// An error in Google's shape.
pub(super) fn error(code: StatusCode, status: &str, error_code: &str, message: &str) -> Response<Bytes> {
    let body = json!({"error": {
        "code": code.as_u16(),
        "message": message,
        "status": status,
        "details": [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": error_code}],
    }});
    answer(code, body.to_string())
}
