//! Codes that go astray.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::Composition;
use reference_server::account::{Account, Challenge};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Policy, Standard};
use reference_server::ports::{DeliveryError, Mailer, Message, MessageContent, Recipient};
use serde_json::Value;

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "destination-from-body",
        requirement: "METH-03",
        part: "http",
        summary: "A switch to email may name the address.",
        build: |server| destination_named_at(server, "/v1/challenge/method"),
    },
    KnownBad {
        slug: "destination-from-sign-in",
        requirement: "METH-03",
        part: "http",
        summary: "A sign-in may name the address that its code is mailed to.",
        build: |server| destination_named_at(server, "/v1/sign-ins"),
    },
    KnownBad {
        slug: "push-to-pending-device",
        requirement: "METH-07",
        part: "policy",
        summary: "The registration that the asking device brings along gets the code as well.",
        build: |server| server.deps.policy = Arc::new(PushToPending),
    },
    KnownBad {
        slug: "push-token-account-mixup",
        requirement: "METH-07",
        part: "http",
        summary: "A push registration belongs to the last account that brought it, and to no other.",
        build: |server| server.wrap(LastAccountKeepsRegistration),
    },
];

fn destination_named_at(server: &mut Composition, path: &'static str) {
    let named = Arc::new(Mutex::new(None));
    server.deps.mailer = Arc::new(Redirecting {
        mailer: Arc::clone(&server.deps.mailer),
        named: Arc::clone(&named),
    });
    server.wrap(DestinationNamed { path, named });
}

/// The address that the request under way names.
type Named = Arc<Mutex<Option<String>>>;

struct DestinationNamed {
    path: &'static str,
    named: Named,
}

impl DestinationNamed {
    fn set(&self, address: Option<String>) {
        *self.named.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

#[async_trait]
impl Middleware for DestinationNamed {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let mut body = tools::body(&request).unwrap_or_default();
        let address = body.get("to").and_then(Value::as_str).map(str::to_owned);
        if !tools::is(&request, &Method::POST, self.path) || address.is_none() {
            return next.answer(request).await;
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("to");
        }
        self.set(address);
        let answer = next.answer(tools::with_body(&request, &body)).await;
        self.set(None);
        answer
    }
}

struct Redirecting {
    mailer: Arc<dyn Mailer>,
    named: Named,
}

#[async_trait]
impl Mailer for Redirecting {
    async fn send(&self, message: &Message) -> Result<(), DeliveryError> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (named, &message.to, &message.content) {
            (Some(address), Recipient::Email(_), MessageContent::Code { .. }) => {
                let astray = Message {
                    to: Recipient::Email(address),
                    ..message.clone()
                };
                self.mailer.send(&astray).await
            }
            _ => self.mailer.send(message).await,
        }
    }
}

struct PushToPending;

impl Policy for PushToPending {
    fn push_recipients(&self, account: &Account, challenge: Option<&Challenge>, at: At<'_>) -> Vec<Recipient> {
        let mut all = Standard.push_recipients(account, challenge, at);
        let asking = challenge.and_then(|challenge| challenge.push_token.clone());
        all.extend(asking.map(Recipient::Push));
        all
    }
}

struct LastAccountKeepsRegistration;

#[async_trait]
impl Middleware for LastAccountKeepsRegistration {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let answer = next.answer(request.clone()).await;
        if !tools::is(&request, &Method::PUT, "/v1/devices/current/push") || !answer.status().is_success() {
            return answer;
        }
        let body = tools::body(&request).unwrap_or_default();
        let token = body.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some((last, _)) = tools::signed_in(service, &request).await else {
            return answer;
        };
        let mut take_away = |account: &mut Account| {
            if account.id == last {
                return;
            }
            for device in &mut account.devices {
                device.push_token.take_if(|held| *held == token);
            }
        };
        service.deps().store.sweep(&mut take_away).await;
        answer
    }
}
