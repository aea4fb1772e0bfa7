//! Step two is open to others than the holder of the handle.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::Service;
use reference_server::account::{AccountId, ChallengeId, ChallengeState, TokenHash};
use reference_server::http::{ApiRequest, Middleware, Router};
use serde_json::Value;

use crate::forged_session::{self, Bearer};
use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// Whoever names the account and has its code needs no handle.
    "code-with-name-is-enough" breaks "SIGN-03": http CodeWithNameIsEnough {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let answer = next.answer(request.clone()).await;
            if !http_util::is(&request, &Method::POST, "/v1/challenge/verify") || answer.status().is_success() {
                return answer;
            }
            let Some(account) = named(service, &request).await else {
                return answer;
            };
            let body = http_util::body(&request).unwrap_or_default();
            let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
            let open = live(service, &account).await;
            let right = service.deps().store.transact(&account, |account| {
                let (at, policy) = (service.at(), service.policy());
                open.iter().any(|id| policy.code_matches(account, id, code, at))
            });
            if right.await != Some(true) {
                return answer;
            }
            forged_session::session(service, &Bearer::stranger(account)).await.unwrap_or(answer)
        }
    }

    /// Naming the account is enough to have its code sent again, by either method.
    "sends-for-a-name" breaks "SIGN-03": http = SendsForAName;
}

/// The account that a request names in its body, or in place of its handle.
async fn named(service: &Service, request: &ApiRequest) -> Option<AccountId> {
    let body = http_util::body(request).unwrap_or_default();
    let name = body
        .get("email")
        .and_then(Value::as_str)
        .or_else(|| http_util::bearer(request))?;
    forged_session::account_named(service, name).await
}

/// The live challenges of an account, the newest last.
async fn live(service: &Service, account: &AccountId) -> Vec<ChallengeId> {
    let found = service.deps().store.transact(account, |account| {
        let live = account
            .challenges
            .iter()
            .filter(|challenge| challenge.state == ChallengeState::Live);
        live.map(|challenge| challenge.id.clone()).collect()
    });
    found.await.unwrap_or_default()
}

struct SendsForAName;

#[async_trait]
impl Middleware for SendsForAName {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let sends = ["/v1/challenge/resend", "/v1/challenge/method"];
        if !sends.contains(&request.path.as_str()) || http_util::pending(service, &request).await.is_some() {
            return next.answer(request).await;
        }
        let Some(account) = named(service, &request).await else {
            return next.answer(request).await;
        };
        let Some(newest) = live(service, &account).await.pop() else {
            return next.answer(request).await;
        };
        // Lent a handle for the length of this call.
        let lent = "ch_lent-for-one-call";
        let owned = self.swap_handle(service, &account, &newest, TokenHash::of(lent)).await;
        let mut asked = request.clone();
        if let Ok(value) = http::HeaderValue::from_str(&format!("Bearer {lent}")) {
            asked.headers.insert(http::header::AUTHORIZATION, value);
        }
        let mut body = http_util::body(&request).unwrap_or_default();
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|name, _| name == "method");
            asked = http_util::with_body(&asked, &body);
        }
        let answer = next.answer(asked).await;
        if let Some(owned) = owned {
            self.swap_handle(service, &account, &newest, owned).await;
        }
        answer
    }
}

impl SendsForAName {
    async fn swap_handle(&self, service: &Service, account: &AccountId, id: &ChallengeId, to: TokenHash) -> Option<TokenHash> {
        let swapped = service.deps().store.transact(account, |account| {
            let challenge = account.challenge_mut(id)?;
            Some(std::mem::replace(&mut challenge.handle, to))
        });
        swapped.await.flatten()
    }
}
