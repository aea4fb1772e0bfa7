//! What mutants around the API are made of: reading and changing requests and answers, and finding the account
//! that a credential belongs to.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use reference_server::Service;
use reference_server::account::{Account, AccountId, ChallengeState, SessionId, TokenHash};
use reference_server::http::{ApiRequest, json};
use reference_server::ports::{Committed, Store, Versioned};
use serde_json::Value;

/// Whether the request is for this method and path.
pub(super) fn is(request: &ApiRequest, method: &Method, path: &str) -> bool {
    request.method == *method && request.path == path
}

/// The id in a request for one device.
pub(super) fn device_id(request: &ApiRequest) -> Option<String> {
    let id = request.path.strip_prefix("/v1/devices/")?;
    (!id.is_empty() && !id.contains('/')).then(|| id.to_owned())
}

/// The JSON body of a request.
pub(super) fn body(request: &ApiRequest) -> Option<Value> {
    serde_json::from_slice(&request.body).ok()
}

/// The request with another JSON body.
pub(super) fn with_body(request: &ApiRequest, body: &Value) -> ApiRequest {
    ApiRequest {
        body: Bytes::from(body.to_string()),
        ..request.clone()
    }
}

/// The bearer credential of a request.
pub(super) fn bearer(request: &ApiRequest) -> Option<&str> {
    let line = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    line.strip_prefix("Bearer ").map(str::trim)
}

/// The account that the bearer's pending handle belongs to.
pub(super) async fn pending(service: &Service, request: &ApiRequest) -> Option<AccountId> {
    let token = TokenHash::of(bearer(request)?);
    let store = &service.deps().store;
    let id = store.by_token(&token).await.ok().flatten()?;
    let held = store.transact(&id, |account| {
        let mut challenges = account.challenges.iter();
        challenges.any(|challenge| challenge.handle == token && challenge.state == ChallengeState::Live)
    });
    held.await?.then_some(id)
}

/// The account and the session that the bearer's access credential opens.
pub(super) async fn signed_in(service: &Service, request: &ApiRequest) -> Option<(AccountId, SessionId)> {
    let token = TokenHash::of(bearer(request)?);
    let deps = service.deps();
    let id = deps.store.by_token(&token).await.ok().flatten()?;
    let opened = deps
        .store
        .transact(&id, |account| deps.policy.session_opened_by(account, &token, service.at()));
    let session = opened.await??;
    Some((id, session))
}

/// The JSON body of an answer.
pub(super) fn answered(response: &Response<Bytes>) -> Option<Value> {
    serde_json::from_slice(response.body()).ok()
}

/// The answer with another JSON body.
pub(super) fn with_answer(response: Response<Bytes>, body: &Value) -> Response<Bytes> {
    response.map(|_| Bytes::from(body.to_string()))
}

/// An answer that something is done.
pub(super) fn done() -> Response<Bytes> {
    let mut response = json(StatusCode::NO_CONTENT, &Value::Null);
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.map(|_| Bytes::new())
}

/// What a framework answers when a handler panics.
pub(super) fn panicked() -> Response<Bytes> {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &serde_json::json!({ "error": "Internal Server Error" }),
    )
}

/// What a mutant changes behind the service's back, with no word to anybody.
pub(super) trait BehindItsBack {
    /// Changes one account; `None` when there is none.
    fn transact<R: Send>(
        &self,
        id: &AccountId,
        change: impl FnMut(&mut Account) -> R + Send,
    ) -> impl Future<Output = Option<R>> + Send;

    /// Changes all accounts, one after the other.
    fn sweep(&self, change: impl FnMut(&mut Account) + Send) -> impl Future<Output = ()> + Send;
}

impl BehindItsBack for dyn Store {
    async fn transact<R: Send>(&self, id: &AccountId, mut change: impl FnMut(&mut Account) -> R + Send) -> Option<R> {
        loop {
            let Versioned { account, version } = self.load(id).await.ok()??;
            let mut account = Account::clone(&account);
            let found = change(&mut account);
            let account = Arc::new(account);
            if self.commit(Versioned { account, version }).await.ok()? == Committed::Kept {
                return Some(found);
            }
        }
    }

    async fn sweep(&self, mut change: impl FnMut(&mut Account) + Send) {
        for id in self.ids(0, usize::MAX).await.unwrap_or_default() {
            self.transact(&id, &mut change).await;
        }
    }
}
