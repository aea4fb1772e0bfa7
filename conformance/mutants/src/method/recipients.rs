//! Codes that go astray.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::Composition;
use reference_server::account::{Account, Challenge};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Standard};
use reference_server::ports::{DeliveryError, Mailer, Message, MessageContent, Recipient};
use serde_json::Value;

use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A switch to email may name the address.
    "destination-from-body" breaks "METH-03": http => |server| destination_named_at(server, "/v1/challenge/method");

    /// A sign-in may name the address that its code is mailed to.
    "destination-from-sign-in" breaks "METH-03": http => |server| destination_named_at(server, "/v1/sign-ins");

    /// The registration that the asking device brings along gets the code as well.
    "push-to-pending-device" breaks "METH-07": policy PushToPending {
        fn push_recipients(&self, account: &Account, challenge: Option<&Challenge>, at: At<'_>) -> Vec<Recipient> {
            let mut all = Standard.push_recipients(account, challenge, at);
            let asking = challenge.and_then(|challenge| challenge.push_token.clone());
            all.extend(asking.map(Recipient::Push));
            all
        }
    }

    /// A push registration belongs to the last account that brought it, and to no other.
    "push-token-account-mixup" breaks "METH-07": http LastAccountKeepsRegistration {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let answer = next.answer(request.clone()).await;
            if !http_util::is(&request, &Method::PUT, "/v1/devices/current/push") || !answer.status().is_success() {
                return answer;
            }
            let body = http_util::body(&request).unwrap_or_default();
            let token = body.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
            let Some((last, _)) = http_util::signed_in(service, &request).await else {
                return answer;
            };
            let take_away = |account: &mut Account| {
                if account.id == last {
                    return;
                }
                for device in &mut account.devices {
                    device.push_token.take_if(|held| *held == token);
                }
            };
            service.deps().store.sweep(take_away).await;
            answer
        }
    }
}

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
        let mut body = http_util::body(&request).unwrap_or_default();
        let address = body.get("to").and_then(Value::as_str).map(str::to_owned);
        if !http_util::is(&request, &Method::POST, self.path) || address.is_none() {
            return next.answer(request).await;
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("to");
        }
        self.set(address);
        let answer = next.answer(http_util::with_body(&request, &body)).await;
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
