//! Email by the SendGrid v3 mail-send call: `POST {base}/v3/mail/send`.

use bytes::Bytes;
use http::{HeaderValue, Uri};
use serde_json::json;

use super::http_call::HttpCaller;
use super::target::{EmailTarget, TargetFault, refusal};
use super::{Kind, Letter};
use crate::ports::DeliveryError;

/// One SendGrid account.
pub(super) struct SendGrid {
    uri: Uri,
    bearer: HeaderValue,
    from: String,
    http: HttpCaller,
}

impl SendGrid {
    pub(super) fn new(target: &EmailTarget, http: HttpCaller) -> Result<Self, TargetFault> {
        let (uri, bearer) = target.api()?;
        Ok(Self {
            uri,
            bearer,
            from: target.from.clone(),
            http,
        })
    }

    pub(super) async fn send(&self, address: &str, letter: &Letter) -> Result<(), DeliveryError> {
        let call = json!({
            "personalizations": [{"to": [{"email": address}]}],
            "from": {"email": self.from, "name": letter.service},
            "subject": letter.subject,
            "content": [
                {"type": "text/plain", "value": letter.text},
                {"type": "text/html", "value": letter.html},
            ],
            "headers": {Kind::HEADER: letter.kind.name()},
            // A rewritten or counted link would be one more party that sees who signs in.
            "tracking_settings": {"click_tracking": {"enable": false}, "open_tracking": {"enable": false}},
        });
        let answer = self.http.post(&self.uri, &self.bearer, Bytes::from(call.to_string())).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(refusal(answer.status.as_u16()))
        }
    }
}
