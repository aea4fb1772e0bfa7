//! Servers that each break one requirement of the area `binding`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method as Verb, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{
    Account, Challenge, ChallengeId, ChallengeState, Device, DeviceId, Session, SessionId, StoredCode, Timestamp, TokenHash,
};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Policy, Standard};
use serde_json::Value;

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "global-code-table",
        requirement: "BIND-01",
        part: "policy",
        summary: "A code is looked up in one table of all accounts.",
        build: |server| server.deps.policy = Arc::new(GlobalCodeTable::default()),
    },
    KnownBad {
        slug: "foreign-codes-forgiven",
        requirement: "BIND-01",
        part: "policy",
        summary: "A code that belongs to another account is refused, and does not count as a guess.",
        build: |server| server.deps.policy = Arc::new(ForeignCodesForgiven::default()),
    },
    KnownBad {
        slug: "latest-code-per-account",
        requirement: "BIND-02",
        part: "policy",
        summary: "Any challenge of an account is checked against the account's newest code.",
        build: |server| server.deps.policy = Arc::new(LatestCodePerAccount),
    },
    KnownBad {
        slug: "device-id-from-verify-body",
        requirement: "BIND-03",
        part: "http",
        summary: "The device that becomes trusted is the one that the second step names.",
        build: |server| server.wrap(DeviceIdFromVerifyBody),
    },
    KnownBad {
        slug: "purpose-blind-code",
        requirement: "BIND-04",
        part: "http",
        summary: "A sign-in code proves the password when two-step verification is switched off.",
        build: |server| server.wrap(PurposeBlindCode),
    },
    KnownBad {
        slug: "reset-token-as-code",
        requirement: "BIND-04",
        part: "http",
        summary: "A reset token of the account is taken for its code.",
        build: |server| server.wrap(ResetTokenAsCode),
    },
    KnownBad {
        slug: "account-from-request-body",
        requirement: "BIND-05",
        part: "http",
        summary: "The second step signs in to the account that its body names.",
        build: |server| server.wrap(AccountFromRequestBody),
    },
    KnownBad {
        slug: "completing-one-upgrades-all",
        requirement: "BIND-05",
        part: "http",
        summary: "Completing one pending sign-in of a client opens its other ones as well.",
        build: |server| server.wrap(CompletingOneUpgradesAll),
    },
];

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

struct LatestCodePerAccount;

impl Policy for LatestCodePerAccount {
    fn code_matches(&self, account: &Account, _challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
        let coded = account
            .challenges
            .iter()
            .filter_map(|challenge| challenge.code.as_ref().map(|code| (challenge, code)));
        let newest = coded.max_by_key(|(_, code)| code.issued_at);
        newest.is_some_and(|(challenge, code)| code.is(&challenge.id, submitted))
    }
}

struct DeviceIdFromVerifyBody;

#[async_trait]
impl Middleware for DeviceIdFromVerifyBody {
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
        next.answer(tools::with_body(&request, &body)).await
    }
}

/// The body of a second step, and the account of its handle.
async fn second_step(service: &Service, request: &ApiRequest) -> Option<(Value, reference_server::account::AccountId)> {
    if !tools::is(request, &Verb::POST, VERIFY) {
        return None;
    }
    Some((tools::body(request)?, tools::pending(service, request).await?))
}

fn handle(request: &ApiRequest) -> Option<TokenHash> {
    tools::bearer(request).map(TokenHash::of)
}

struct PurposeBlindCode;

#[async_trait]
impl Middleware for PurposeBlindCode {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let body = if tools::is(&request, &Verb::PUT, "/v1/two-step") {
            tools::body(&request)
        } else {
            None
        };
        let (Some(mut body), Some((account, session))) = (body, tools::signed_in(service, &request).await) else {
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
        next.answer(tools::with_body(&request, &body)).await
    }
}

struct ResetTokenAsCode;

#[async_trait]
impl Middleware for ResetTokenAsCode {
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

struct AccountFromRequestBody;

#[async_trait]
impl Middleware for AccountFromRequestBody {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let Some((mut body, own)) = second_step(service, &request).await else {
            return next.answer(request).await;
        };
        let named = body.as_object_mut().and_then(|fields| fields.remove("email"));
        let store = &service.deps().store;
        let named = match named.as_ref().and_then(Value::as_str) {
            Some(email) => store.by_email(email).await,
            None => None,
        };
        let response = next.answer(tools::with_body(&request, &body)).await;
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

struct CompletingOneUpgradesAll;

#[async_trait]
impl Middleware for CompletingOneUpgradesAll {
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
            store.sweep(&mut |account| upgrade(account, &client, now)).await;
        }
        response
    }
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
