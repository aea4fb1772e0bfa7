//! Codes that go astray.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::domain::{Account, Challenge, Timestamp};
use reference_server::http::{Edge, EdgeRequest, HttpEdge};
use reference_server::parts::{DeliveryError, Mailer, Message, MessageContent, Recipient};
use reference_server::rules::{DeliveryRules, Standard, TrustRules};
use reference_server::settings::Settings;
use reference_server::{Parts, Service};
use serde_json::Value;

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "destination-from-body",
        requirement: "METH-03",
        part: "edge",
        summary: "A switch to email may name the address.",
        build: |parts| destination_named_at(parts, "/v1/challenge/method"),
    },
    KnownBad {
        slug: "destination-from-sign-in",
        requirement: "METH-03",
        part: "edge",
        summary: "A sign-in may name the address that its code is mailed to.",
        build: |parts| destination_named_at(parts, "/v1/sign-ins"),
    },
    KnownBad {
        slug: "push-to-pending-device",
        requirement: "METH-07",
        part: "rules.delivery",
        summary: "The registration that the asking device brings along gets the code as well.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(PushToPending);
            parts
        },
    },
    KnownBad {
        slug: "push-token-account-mixup",
        requirement: "METH-07",
        part: "edge",
        summary: "A push registration belongs to the last account that brought it, and to no other.",
        build: |mut parts| {
            parts.edge = Arc::new(LastAccountKeepsRegistration);
            parts
        },
    },
];

fn destination_named_at(mut parts: Parts, path: &'static str) -> Parts {
    let named = Arc::new(Mutex::new(None));
    parts.mailer = Arc::new(Redirecting {
        mailer: Arc::clone(&parts.mailer),
        named: Arc::clone(&named),
    });
    parts.edge = Arc::new(DestinationNamed { path, named });
    parts
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
impl Edge for DestinationNamed {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let mut body = tools::body(&request).unwrap_or_default();
        let address = body.get("to").and_then(Value::as_str).map(str::to_owned);
        if !tools::is(&request, &Method::POST, self.path) || address.is_none() {
            return HttpEdge.answer(service, request).await;
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("to");
        }
        self.set(address);
        let answer = HttpEdge.answer(service, tools::with_body(&request, &body)).await;
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

impl DeliveryRules for PushToPending {
    fn push_recipients(
        &self,
        account: &Account,
        challenge: Option<&Challenge>,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let mut all = Standard.push_recipients(account, challenge, now, settings, trust);
        let asking = challenge.and_then(|challenge| challenge.push_token.clone());
        all.extend(asking.map(Recipient::Push));
        all
    }
}

struct LastAccountKeepsRegistration;

#[async_trait]
impl Edge for LastAccountKeepsRegistration {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let answer = HttpEdge.answer(service, request.clone()).await;
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
        service.parts().store.sweep(&mut take_away).await;
        answer
    }
}
