//! The reference server's admin API, as a client: its clock, its accounts, where it delivers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::device::Device;
use crate::http::{HttpClient, Limits};
use crate::request::{Body, RequestBuilder};
use crate::target::TargetError;
use crate::transcript::Transcript;

/// Where the server sends its email.
#[derive(Clone, Debug, PartialEq)]
pub enum EmailRoute {
    /// `smtp://HOST:PORT`.
    Smtp(String),
    /// The base URL of a SendGrid v3 API.
    SendGrid(String),
}

/// A client of the admin API. What it does is no part of the transcript that checks read.
#[derive(Clone)]
pub struct AdminClient {
    origin: String,
    wire: HttpClient,
    device: Device,
}

impl AdminClient {
    /// The admin API at this origin, such as `http://127.0.0.1:8081`.
    pub fn new(origin: &str) -> Result<Self, TargetError> {
        Ok(Self {
            origin: origin.trim_end_matches('/').to_owned(),
            wire: HttpClient::new(Limits::default(), Transcript::keeping(16))?,
            device: Device::new("admin", "admin"),
        })
    }

    /// Moves the server's clock ahead.
    pub async fn advance(&self, by: Duration) -> Result<(), TargetError> {
        // Rounded up: time that has passed is never less than asked for.
        let by = u64::try_from(by.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        self.call("POST", "/clock", Some(json!({ "advance_ms": by }))).await.map(drop)
    }

    /// Stops the server's clock where it is, or lets it run on from there.
    pub async fn freeze(&self, frozen: bool) -> Result<(), TargetError> {
        self.call("POST", "/clock", Some(json!({ "freeze": frozen }))).await.map(drop)
    }

    /// The server's time, in milliseconds since 1970.
    pub async fn now_ms(&self) -> Result<i64, TargetError> {
        let answer = self.call("GET", "/clock", None).await?;
        answer
            .get("now_ms")
            .and_then(Value::as_i64)
            .ok_or_else(|| self.unreachable("/clock", "the answer has no now_ms".to_owned()))
    }

    /// Forgets accounts and throttles, and sets the clock back to real time.
    pub async fn reset(&self) -> Result<(), TargetError> {
        self.call("POST", "/reset", None).await.map(drop)
    }

    /// Creates accounts, each an email and a password, without mail and without throttles.
    pub async fn seed(&self, accounts: &[(String, String)]) -> Result<(), TargetError> {
        let rows: Vec<Value> = accounts
            .iter()
            .map(|(email, password)| json!({"email": email, "password": password}))
            .collect();
        self.call("POST", "/accounts", Some(json!({ "accounts": rows })))
            .await
            .map(drop)
    }

    /// Tells the server where to deliver; `None` leaves a channel as it is.
    pub async fn deliver_to(&self, email: Option<&EmailRoute>, push: Option<&str>) -> Result<(), TargetError> {
        let mut body = json!({});
        match email {
            Some(EmailRoute::Smtp(url)) => body["email"] = json!({"kind": "smtp", "url": url}),
            Some(EmailRoute::SendGrid(url)) => body["email"] = json!({"kind": "sendgrid", "url": url}),
            None => {}
        }
        if let Some(url) = push {
            body["push"] = json!({ "url": url });
        }
        self.call("PUT", "/delivery", Some(body)).await.map(drop)
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, TargetError> {
        let builder = RequestBuilder {
            method: method.to_owned(),
            url: format!("{}{path}", self.origin),
            body: body.map_or(Body::Empty, Body::Json),
            ..RequestBuilder::default()
        };
        let exchange = self.wire.send(&self.device, builder.build(&self.device, &[])).await?;
        if (200..300).contains(&exchange.status) {
            Ok(exchange.json().unwrap_or(Value::Null))
        } else {
            let reason = format!("the admin API answered {}: {}", exchange.status, exchange.text());
            Err(self.unreachable(path, reason))
        }
    }

    fn unreachable(&self, path: &str, reason: String) -> TargetError {
        TargetError::Unreachable {
            operation: "admin".to_owned(),
            url: format!("{}{path}", self.origin),
            reason,
        }
    }
}
