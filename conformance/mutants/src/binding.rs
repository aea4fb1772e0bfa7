//! Mutants of the area `binding`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method as Verb, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{
    Account, Challenge, ChallengeId, ChallengeState, Device, DeviceId, Session, SessionId, StoredCode, Timestamp, TokenHash,
};
use reference_server::http::{ApiRequest, Router};
use reference_server::policy::{At, Policy, Standard};
use serde_json::Value;

use super::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A code is looked up in one table of all accounts.
    "global-code-table" breaks "BIND-01": policy = GlobalCodeTable::default();

    /// A code that belongs to another account is refused, and does not count as a guess.
    "foreign-codes-forgiven" breaks "BIND-01": policy = ForeignCodesForgiven::default();

    /// Any challenge of an account is checked against the account's newest code.
    "latest-code-per-account" breaks "BIND-02": policy LatestCodePerAccount {
        fn code_matches(&self, account: &Account, _challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
            let coded = account
                .challenges
                .iter()
                .filter_map(|challenge| challenge.code.as_ref().map(|code| (challenge, code)));
            let newest = coded.max_by_key(|(_, code)| code.issued_at);
            newest.is_some_and(|(challenge, code)| code.is(&challenge.id, submitted))
        }
    }

    /// The device that becomes trusted is the one that the second step names.
    "device-id-from-verify-body" breaks "BIND-03": http DeviceIdFromVerifyBody {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let Some((mut body, account)) = second_step(service, &request).await else {
                return next.answer(request).await;
            };
            let named = body.as_object_mut().and_then(|fields| fields.remove("device"));
            let text = |field: &str| named.as_ref()?.get(field)?.as_str().map(str::to_owned);
            if let (Some(installation), Some(name)) = (text("installation"), text("name")) {
                let handle = handle(&request);
                let renamed = service.deps().store.transact(&account, |account| {
                    for challenge in account
                        .challenges
                        .iter_mut()
                        .filter(|challenge| Some(challenge.handle) == handle)
                    {
                        challenge.installation.clone_from(&installation);
                        challenge.device_name.clone_from(&name);
                    }
                });
                renamed.await;
            }
            next.answer(http_util::with_body(&request, &body)).await
        }
    }

    /// A sign-in code proves the password when two-step verification is switched off.
    "purpose-blind-code" breaks "BIND-04": http PurposeBlindCode {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let body = if http_util::is(&request, &Verb::PUT, "/v1/two-step") {
                http_util::body(&request)
            } else {
                None
            };
            let (Some(mut body), Some((account, session))) = (body, http_util::signed_in(service, &request).await) else {
                return next.answer(request).await;
            };
            let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let offered = [text("code"), text("password")];
            let (at, policy) = (service.at(), service.policy());
            let proved = service.deps().store.transact(&account, |account| {
                let ids: Vec<ChallengeId> = account.challenges.iter().map(|challenge| challenge.id.clone()).collect();
                let fits = |id: &ChallengeId| offered.iter().any(|code| policy.code_matches(account, id, code, at));
                let proved = ids.iter().any(fits);
                if let (true, Some(session)) = (proved, account.session_mut(&session)) {
                    session.proved_at = Some(at.now);
                }
                proved
            });
            if proved.await == Some(true)
                && let Some(fields) = body.as_object_mut()
            {
                fields.remove("code");
                fields.remove("password");
            }
            next.answer(http_util::with_body(&request, &body)).await
        }
    }

    /// A reset token of the account is taken for its code.
    "reset-token-as-code" breaks "BIND-04": http ResetTokenAsCode {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if let Some((body, account)) = second_step(service, &request).await
                && let Some(submitted) = body.get("code").and_then(Value::as_str)
            {
                let (handle, now) = (handle(&request), service.now());
                let taken = service.deps().store.transact(&account, |account| {
                    let token = TokenHash::of(submitted);
                    if account.resets.iter().any(|reset| reset.token == token) {
                        for challenge in account
                            .challenges
                            .iter_mut()
                            .filter(|challenge| Some(challenge.handle) == handle)
                        {
                            challenge.code = Some(StoredCode::new(&challenge.id, submitted, now));
                        }
                    }
                });
                taken.await;
            }
            next.answer(request).await
        }
    }

    /// The second step signs in to the account that its body names.
    "account-from-request-body" breaks "BIND-05": http AccountFromRequestBody {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let Some((mut body, own)) = second_step(service, &request).await else {
                return next.answer(request).await;
            };
            let named = body.as_object_mut().and_then(|fields| fields.remove("email"));
            let store = &service.deps().store;
            let named = match named.as_ref().and_then(Value::as_str) {
                Some(email) => store.by_email(email).await.ok().flatten(),
                None => None,
            };
            let response = next.answer(http_util::with_body(&request, &body)).await;
            if let (StatusCode::CREATED, Some(named)) = (response.status(), named) {
                let opened = store.transact(&own, |account| {
                    let session = account.sessions.pop()?;
                    let device = account.device(&session.device).cloned()?;
                    Some((session, device))
                });
                if let Some(Some((session, device))) = opened.await {
                    let moved = store.transact(&named, |account| {
                        account.sessions.push(session.clone());
                        account.devices.push(device.clone());
                    });
                    moved.await;
                }
            }
            response
        }
    }

    /// Completing one pending sign-in of a client opens its other ones as well.
    "completing-one-upgrades-all" breaks "BIND-05": http CompletingOneUpgradesAll {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let Some((_, own)) = second_step(service, &request).await else {
                return next.answer(request).await;
            };
            let (handle, store, now) = (handle(&request), &service.deps().store, service.now());
            let client = store.transact(&own, |account| {
                let mut challenges = account.challenges.iter();
                challenges
                    .find(|challenge| Some(challenge.handle) == handle)
                    .map(|challenge| challenge.installation.clone())
            });
            let client = client.await.flatten();
            let response = next.answer(request).await;
            if let (StatusCode::CREATED, Some(client)) = (response.status(), client) {
                store.sweep(|account| upgrade(account, &client, now)).await;
            }
            response
        }
    }
}

/// The path of the second step.
const VERIFY: &str = "/v1/challenge/verify";

#[derive(Default)]
struct GlobalCodeTable {
    codes: Mutex<HashSet<String>>,
}

impl Policy for GlobalCodeTable {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        self.codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(code.to_owned());
        challenge.code = Some(StoredCode::new(&challenge.id, code, at.now));
    }

    fn code_matches(&self, _account: &Account, _challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).contains(submitted)
    }
}

#[derive(Default)]
struct ForeignCodesForgiven {
    codes: Mutex<HashSet<String>>,
    foreign: AtomicBool,
}

impl Policy for ForeignCodesForgiven {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        self.codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(code.to_owned());
        challenge.code = Some(StoredCode::new(&challenge.id, code, at.now));
    }

    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        let right = Standard.code_matches(account, challenge, submitted, at);
        let known = self.codes.lock().unwrap_or_else(PoisonError::into_inner).contains(submitted);
        self.foreign.store(known && !right, Ordering::Relaxed);
        right
    }

    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        if self.foreign.load(Ordering::Relaxed) {
            account.codes.recent.pop();
            account.codes.in_a_row -= 1;
            if let Some(challenge) = account.challenge_mut(id) {
                challenge.attempts -= 1;
            }
        } else {
            Standard.wrong_code(account, id, at);
        }
    }
}

/// The body of a second step, and the account of its handle.
async fn second_step(service: &Service, request: &ApiRequest) -> Option<(Value, reference_server::account::AccountId)> {
    if !http_util::is(request, &Verb::POST, VERIFY) {
        return None;
    }
    Some((http_util::body(request)?, http_util::pending(service, request).await?))
}

fn handle(request: &ApiRequest) -> Option<TokenHash> {
    http_util::bearer(request).map(TokenHash::of)
}

/// Opens a session for each live challenge of this client, with the challenge's handle for its credential.
fn upgrade(account: &mut Account, client: &str, now: Timestamp) {
    let live = |challenge: &&Challenge| challenge.state == ChallengeState::Live && challenge.installation == client;
    let handles: Vec<TokenHash> = account
        .challenges
        .iter()
        .filter(live)
        .map(|challenge| challenge.handle)
        .collect();
    for handle in handles {
        let device = Device {
            id: DeviceId::random(),
            installation: client.to_owned(),
            name: "upgraded".to_owned(),
            trust: None,
            push_token: None,
            first_used_at: now,
            last_used_at: now,
            place: None,
        };
        account.sessions.push(Session {
            address: "unknown".to_owned(),
            id: SessionId::random(),
            device: device.id.clone(),
            access: handle,
            access_expires_at: now.plus_s(900),
            refresh: TokenHash::of(&device.id.0),
            replaced: Vec::new(),
            created_at: now,
            used_at: now,
            proved_at: None,
        });
        account.devices.push(device);
    }
}
