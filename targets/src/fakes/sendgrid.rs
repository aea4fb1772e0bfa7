//! Email by the SendGrid v3 mail-send call: `POST /v3/mail/send`, answered 202 with an empty body.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use specs::Channel;
use wiremock::{MockServer, Request, ResponseTemplate};

use super::fault::Faults;
use super::provider::{self, Provider, Refused, has_key};
use crate::delivery_log::{DeliveryLog, Message};

/// A SendGrid of its own.
pub struct SendGrid {
    server: MockServer,
}

impl SendGrid {
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
    const CHANNEL: Channel = Channel::Email;
    const PATH: &'static str = "^/v3/mail/send$";

    fn read(request: &Request) -> Result<Vec<Message>, Refused> {
        if !has_key(request) {
            return Err(Box::new(errors(
                401,
                "The provided authorization grant is invalid, expired, or revoked",
                None,
            )));
        }
        let call: Value = request
            .body_json()
            .map_err(|_| Box::new(errors(400, "Bad Request: the body is not JSON", None)))?;
        let missing = |field: &str| Box::new(errors(400, &format!("The {field} field is required."), Some(field)));
        let from = call
            .pointer("/from/email")
            .and_then(Value::as_str)
            .ok_or_else(|| missing("from"))?;
        let rows = call.get("personalizations").and_then(Value::as_array);
        let rows = rows
            .filter(|rows| !rows.is_empty())
            .ok_or_else(|| missing("personalizations"))?;
        let content = call
            .get("content")
            .and_then(Value::as_array)
            .ok_or_else(|| missing("content"))?;
        let part = |kind: &str| {
            let of_kind = |part: &&Value| part.get("type").and_then(Value::as_str).is_some_and(|t| t.starts_with(kind));
            Some(content.iter().find(of_kind)?.get("value")?.as_str()?.to_owned())
        };
        let mut messages = Vec::new();
        for row in rows {
            let subject = row.get("subject").or_else(|| call.get("subject")).and_then(Value::as_str);
            let to = row
                .get("to")
                .and_then(Value::as_array)
                .ok_or_else(|| missing("personalizations.0.to"))?;
            for address in to {
                let to = address.get("email").and_then(Value::as_str);
                messages.push(Message {
                    from: Some(from.to_owned()),
                    subject: subject.unwrap_or_default().to_owned(),
                    text: part("text/plain").unwrap_or_default(),
                    html: part("text/html"),
                    raw: request.body.clone(),
                    ..Message::new(Channel::Email, to.ok_or_else(|| missing("personalizations.0.to.0.email"))?)
                });
            }
        }
        Ok(messages)
    }

    fn accepted(_: &Request) -> ResponseTemplate {
        ResponseTemplate::new(202).insert_header("X-Message-Id", "stepproof")
    }

    fn refused(for_good: bool) -> ResponseTemplate {
        if for_good {
            errors(400, "The message cannot be sent", None)
        } else {
            errors(503, "Service unavailable", None)
        }
    }

    fn unregistered() -> ResponseTemplate {
        errors(
            400,
            "Does not contain a valid address.",
            Some("personalizations.0.to.0.email"),
        )
    }
}

fn errors(status: u16, message: &str, field: Option<&str>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"errors": [{"message": message, "field": field, "help": null}]}))
}
