//! Another way to a session forgets the second step.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::account::TokenHash;
use reference_server::http::{ApiRequest, Router};
use reference_server::ports::HashMemory;
use serde_json::Value;

use crate::forged_session::{self, Bearer};
use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// Registering with an existing account's address and right password returns a session.
    "registration-endpoint-logs-in-existing" breaks "SIGN-05": http RegistrationLogsIn {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let answer = next.answer(request.clone()).await;
            if !http_util::is(&request, &Method::POST, "/v1/accounts") || answer.status() != StatusCode::ACCEPTED {
                return answer;
            }
            let Some(bearer) = Bearer::of_sign_in(service, &request).await else {
                return answer;
            };
            let body = http_util::body(&request).unwrap_or_default();
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
            forged_session::session(service, &bearer).await.unwrap_or(answer)
        }
    }

    /// Completing a password reset signs in without a second step.
    "reset-answer-holds-session" breaks "SIGN-05": http ResetSignsIn {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let body = http_util::body(&request).unwrap_or_default();
            let token = body.get("token").and_then(Value::as_str).unwrap_or_default();
            let account = service.deps().store.by_token(&TokenHash::of(token)).await.ok().flatten();
            let answer = next.answer(request.clone()).await;
            let completed = http_util::is(&request, &Method::POST, "/v1/password-resets/complete") && answer.status().is_success();
            match account {
                Some(account) if completed => {
                    let session = forged_session::session(service, &Bearer::stranger(account)).await;
                    session.unwrap_or(answer)
                }
                _ => answer,
            }
        }
    }

    /// A pending handle is taken for a refresh credential.
    "handle-renews-into-session" breaks "SIGN-05": http HandleRenews {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let answer = next.answer(request.clone()).await;
            if !http_util::is(&request, &Method::POST, "/v1/session/refresh") || answer.status().is_success() {
                return answer;
            }
            let body = http_util::body(&request).unwrap_or_default();
            let token = body.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
            let Some(bearer) = Bearer::of_handle(service, token).await else {
                return answer;
            };
            let Some(renewed) = forged_session::session(service, &bearer).await else {
                return answer;
            };
            let (mut head, body) = renewed.into_parts();
            head.status = StatusCode::OK;
            Response::from_parts(head, body)
        }
    }

    /// An older version of the sign-in is still served, from before there was a second step.
    "legacy-path-without-step" breaks "SIGN-05": http LegacyPath {
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
                Some(bearer) => forged_session::session(service, &bearer).await.unwrap_or(answer),
                None => answer,
            }
        }
    }
}
