//! Push by the FCM HTTP v1 send call: `POST /v1/projects/PROJECT/messages:send`.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use specs::Channel;
use wiremock::{MockServer, Request, ResponseTemplate};

use super::fault::Faults;
use super::provider::{self, Provider, Refused};
use crate::delivery_log::{DeliveryLog, Message};

/// An FCM of its own. It asks for no credential: what a target shows Google is none of its business.
pub struct Fcm {
    server: MockServer,
}

impl Fcm {
    /// Starts one here, delivering into this log.
    pub async fn start(address: SocketAddr, deliveries: DeliveryLog, faults: Faults) -> io::Result<Self> {
        let server = provider::start::<Api>(address, deliveries, faults).await?;
        Ok(Self { server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.server.uri()
    }
}

struct Api;

impl Provider for Api {
    const CHANNEL: Channel = Channel::Push;
    const PATH: &'static str = "^/v1/projects/[^/]+/messages:send$";

    fn read(request: &Request) -> Result<Vec<Message>, Refused> {
        let invalid = |what: &str| Box::new(error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", what));
        let call: Value = request.body_json().map_err(|_| invalid("the body is not JSON"))?;
        let message = call
            .get("message")
            .filter(|m| m.is_object())
            .ok_or_else(|| invalid("message is missing"))?;
        let token = message.get("token").and_then(Value::as_str);
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| invalid("recipient is missing"))?;
        let mut data = Vec::new();
        for (name, value) in message.get("data").and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().ok_or_else(|| invalid("data values are strings"))?;
            data.push((name.clone(), value.to_owned()));
        }
        if call.get("validate_only").and_then(Value::as_bool) == Some(true) {
            return Ok(Vec::new());
        }
        let shown = |name: &str| {
            let text = message.get("notification").and_then(|n| n.get(name)).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Ok(vec![Message {
            subject: shown("title"),
            text: shown("body"),
            data,
            raw: request.body.clone(),
            ..Message::new(Channel::Push, token)
        }])
    }

    fn accepted(request: &Request) -> ResponseTemplate {
        let project = request
            .url
            .path()
            .trim_end_matches("/messages:send")
            .trim_start_matches("/v1/");
        ResponseTemplate::new(200).set_body_json(json!({"name": format!("{project}/messages/stepproof")}))
    }

    fn refused(for_good: bool) -> ResponseTemplate {
        if for_good {
            error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "the message cannot be sent")
        } else {
            error(503, "UNAVAILABLE", "UNAVAILABLE", "the service is currently unavailable")
        }
    }

    fn unregistered() -> ResponseTemplate {
        error(404, "NOT_FOUND", "UNREGISTERED", "requested entity was not found")
    }
}

fn error(code: u16, status: &str, error_code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({"error": {
        "code": code,
        "message": message,
        "status": status,
        "details": [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": error_code}],
    }}))
}
