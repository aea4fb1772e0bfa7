//! Push by the FCM HTTP v1 send call: `POST {base}/v1/projects/{project}/messages:send`, one call for each registration.

use http::{HeaderValue, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::RenderedMessage;
use super::http_call::HttpCaller;
use super::target::{PushTarget, TargetFault, refusal};
use crate::parts::DeliveryError;

/// One Firebase project.
pub(super) struct Fcm {
    uri: Uri,
    bearer: HeaderValue,
    http: HttpCaller,
}

impl Fcm {
    pub(super) fn new(target: &PushTarget, http: HttpCaller) -> Result<Self, TargetFault> {
        let (uri, bearer) = target.api()?;
        Ok(Self { uri, bearer, http })
    }

    /// Sends to one registration. Neither the account's address nor its network address is told to the provider (DLVR-05).
    pub(super) async fn send(&self, token: &str, message: &RenderedMessage) -> Result<(), DeliveryError> {
        let data: Map<String, Value> = message
            .data
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let call = json!({"message": {
            "token": token,
            "notification": {"title": message.subject, "body": message.text},
            "data": data,
            "android": {
                "priority": "HIGH",
                "ttl": format!("{}s", message.ttl.as_secs()),
                // What a locked screen shows is the title alone.
                "notification": {"visibility": "PRIVATE"},
            },
        }});
        let (status, body) = self.http.post(&self.uri, &self.bearer, &call).await?;
        if status.is_success() {
            Ok(())
        } else if status == StatusCode::NOT_FOUND && says_unregistered(&body) {
            Err(DeliveryError::Unregistered)
        } else {
            Err(refusal(status.as_u16()))
        }
    }
}

/// A 404 alone may be a wrong project; only the provider's own word ends a registration (DLVR-08).
fn says_unregistered(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let details = body.pointer("/error/details").and_then(Value::as_array);
    details
        .into_iter()
        .flatten()
        .any(|detail| detail.get("errorCode").and_then(Value::as_str) == Some("UNREGISTERED"))
}
