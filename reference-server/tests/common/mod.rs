//! What the tests share: a server in the process, asked without a network in between.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use reference_server::adapters::admin::Admin;
use reference_server::adapters::mailer::{Mailbox, ProviderMailer, Templates};
use reference_server::http::EdgeRequest;
use reference_server::parts::ManualClock;
use reference_server::{Parts, Service, Settings};
use serde_json::Value;
use specs::openapi::Contract;

/// A server whose email goes to a mailbox, and its admin interface.
pub(crate) fn admin() -> Admin {
    let mailer = ProviderMailer::new(Templates::new("Acme"), Duration::from_secs(4));
    let mailbox = Mailbox::default();
    mailer.keep_email(mailbox.clone());
    mailer.keep_push(mailbox.clone());
    let clock = Arc::new(ManualClock::default());
    clock.freeze(true);
    let service = Service::new(Parts::for_tests(clock.clone(), Arc::new(mailer.clone())), Settings::default());
    Admin {
        service,
        clock,
        mailer,
        mailbox: Some(mailbox),
    }
}

/// A request as it comes from this machine.
pub(crate) fn request(method: &str, path: &str, bearer: Option<&str>, body: Option<&Value>) -> EdgeRequest {
    let mut headers = HeaderMap::new();
    headers.insert("app-version", HeaderValue::from_static("2.3.0"));
    let mut put = |name: HeaderName, value: &str| headers.insert(name, value.parse().unwrap());
    if let Some(bearer) = bearer {
        put(http::header::AUTHORIZATION, &format!("Bearer {bearer}"));
    }
    if body.is_some() {
        put(http::header::CONTENT_TYPE, "application/json");
    }
    EdgeRequest {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: None,
        headers,
        body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
        peer: "127.0.0.1".parse().unwrap(),
    }
}

/// Checks an answer against the contract, and reads it.
pub(crate) fn judged(contract: &Contract, request: &EdgeRequest, answer: &Response<Bytes>) -> (u16, Value) {
    let headers: Vec<(String, String)> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let (method, path, status) = (request.method.as_str(), request.path.as_str(), answer.status().as_u16());
    let checked = if status == 405 {
        contract.check_unlisted(method, path, status, content_type, &headers, answer.body())
    } else {
        contract.check_response(method, path, status, content_type, &headers, answer.body())
    };
    if let Err(wrong) = checked {
        panic!("{method} {path} {status}: {wrong:?}: {:?}", answer.body());
    }
    (status, serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}
