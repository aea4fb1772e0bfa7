//! FCM HTTP v1: the send call as far as it matters to a storm.

use std::time::Instant;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use targets::Channel;
use targets::delivery_log::Patterns;

use super::contents::{Contents, Fields, Text, Words};
use super::letter::Letter;
use super::provider::{Response, Wrong, answer};

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

pub(super) fn read(body: &[u8], patterns: &Patterns) -> Result<Vec<Letter>, Wrong> {
    let invalid = |what| Wrong(StatusCode::BAD_REQUEST, what, None);
    let call: Call<'_> = serde_json::from_slice(body).map_err(|_| invalid("the body is not a send call in JSON"))?;
    let message = call.message.ok_or(invalid("message is missing"))?;
    let token = message.token.filter(|token| !token.0.is_empty());
    let token = token.ok_or(invalid("recipient is missing"))?;
    if call.validate_only {
        return Ok(Vec::new());
    }
    let shown = message.notification.as_ref();
    let words = Words {
        subject: Text::or_empty(shown.and_then(|shown| shown.title.as_ref())),
        text: Text::or_empty(shown.and_then(|shown| shown.body.as_ref())),
        html: "",
    };
    let contents = Contents::find(&words, &message.data.unwrap_or_default(), patterns);
    Ok(vec![contents.letter(Channel::Push, &token.0, Instant::now())])
}

/// An error in Google's shape.
pub(super) fn error(code: StatusCode, status: &str, error_code: &str, message: &str) -> Response {
    let body = json!({"error": {
        "code": code.as_u16(),
        "message": message,
        "status": status,
        "details": [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": error_code}],
    }});
    answer(code, body.to_string())
}
