//! Another way to a session forgets the second step.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::account::TokenHash;
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::ports::HashMemory;
use serde_json::Value;

use crate::forge::{self, Bearer};
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "registration-endpoint-logs-in-existing",
        requirement: "SIGN-05",
        part: "http",
        summary: "Registering with an existing account's address and right password returns a session.",
        build: |server| server.wrap(RegistrationLogsIn),
    },
    KnownBad {
        slug: "reset-answer-holds-session",
        requirement: "SIGN-05",
        part: "http",
        summary: "Completing a password reset signs in without a second step.",
        build: |server| server.wrap(ResetSignsIn),
    },
    KnownBad {
        slug: "handle-renews-into-session",
        requirement: "SIGN-05",
        part: "http",
        summary: "A pending handle is taken for a refresh credential.",
        build: |server| server.wrap(HandleRenews),
    },
    KnownBad {
        slug: "legacy-path-without-step",
        requirement: "SIGN-05",
        part: "http",
        summary: "An older version of the sign-in is still served, from before there was a second step.",
        build: |server| server.wrap(LegacyPath),
    },
];

struct RegistrationLogsIn;

#[async_trait]
impl Middleware for RegistrationLogsIn {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let answer = next.answer(request.clone()).await;
        if !tools::is(&request, &Method::POST, "/v1/accounts") || answer.status() != StatusCode::ACCEPTED {
            return answer;
        }
        let Some(bearer) = Bearer::of_sign_in(service, &request).await else {
            return answer;
        };
        let body = tools::body(&request).unwrap_or_default();
        let password = body.get("password").and_then(Value::as_str).unwrap_or_default();
        let known = service.deps().store.transact(&bearer.account, |account| {
            // One that was used before; a new account has neither devices nor challenges.
            let used = !account.devices.is_empty();
            used && service
                .deps()
                .passwords
                .verify(password, &account.password_hash, &mut HashMemory::default())
        });
        if known.await != Some(true) {
            return answer;
        }
        forge::session(service, &bearer).await.unwrap_or(answer)
    }
}

struct ResetSignsIn;

#[async_trait]
impl Middleware for ResetSignsIn {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let body = tools::body(&request).unwrap_or_default();
        let token = body.get("token").and_then(Value::as_str).unwrap_or_default();
        let account = service.deps().store.by_token(&TokenHash::of(token)).await;
        let answer = next.answer(request.clone()).await;
        let completed = tools::is(&request, &Method::POST, "/v1/password-resets/complete") && answer.status().is_success();
        match account {
            Some(account) if completed => {
                let session = forge::session(service, &Bearer::stranger(account)).await;
                session.unwrap_or(answer)
            }
            _ => answer,
        }
    }
}

struct HandleRenews;

#[async_trait]
impl Middleware for HandleRenews {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let answer = next.answer(request.clone()).await;
        if !tools::is(&request, &Method::POST, "/v1/session/refresh") || answer.status().is_success() {
            return answer;
        }
        let body = tools::body(&request).unwrap_or_default();
        let token = body.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
        let Some(bearer) = Bearer::of_handle(service, token).await else {
            return answer;
        };
        let Some(renewed) = forge::session(service, &bearer).await else {
            return answer;
        };
        let (mut head, body) = renewed.into_parts();
        head.status = StatusCode::OK;
        Response::from_parts(head, body)
    }
}

struct LegacyPath;

#[async_trait]
impl Middleware for LegacyPath {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if request.path != "/api/v1/sign-ins" {
            return next.answer(request).await;
        }
        let modern = ApiRequest {
            path: "/v1/sign-ins".to_owned(),
            ..request.clone()
        };
        let answer = next.answer(modern).await;
        if answer.status() != StatusCode::ACCEPTED {
            return answer;
        }
        match Bearer::of_sign_in(service, &request).await {
            Some(bearer) => forge::session(service, &bearer).await.unwrap_or(answer),
            None => answer,
        }
    }
}
