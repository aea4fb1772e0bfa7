//! Email by the SendGrid v3 mail-send call: `POST {base}/v3/mail/send`.

use http::{HeaderValue, Uri};
use serde_json::json;

use super::RenderedMessage;
use super::http_call::HttpCaller;
use super::target::{EmailTarget, TargetFault, refusal};
use super::templates::KIND_HEADER;
use crate::parts::DeliveryError;

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
        let from = target.from.clone();
        Ok(Self { uri, bearer, from, http })
    }

    pub(super) async fn send(&self, address: &str, message: &RenderedMessage) -> Result<(), DeliveryError> {
        let call = json!({
            "personalizations": [{"to": [{"email": address}]}],
            "from": {"email": self.from, "name": message.service},
            "subject": message.subject,
            "content": [
                {"type": "text/plain", "value": message.text},
                {"type": "text/html", "value": message.html},
            ],
            "headers": {KIND_HEADER: message.kind.name()},
            // A rewritten or counted link would be one more party that sees who signs in.
            "tracking_settings": {"click_tracking": {"enable": false}, "open_tracking": {"enable": false}},
        });
        let (status, _) = self.http.post(&self.uri, &self.bearer, &call).await?;
        if status.is_success() {
            Ok(())
        } else {
            Err(refusal(status.as_u16()))
        }
    }
}
