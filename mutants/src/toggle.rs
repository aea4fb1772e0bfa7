//! Servers that each break one requirement of the area `toggle`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{Account, AccountId, DeviceId, Session};
use reference_server::http::{ApiRequest, Middleware, Router, json};
use reference_server::policy::{Admission, At, Change, Policy, SignInFacts, Standard};
use reference_server::ports::HashMemory;
use serde_json::Value;

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "default-off",
        requirement: "TOGL-01",
        part: "policy",
        summary: "A new account has two-step verification off.",
        build: |server| server.deps.policy = Arc::new(DefaultOff),
    },
    KnownBad {
        slug: "stale-reauth-accepted",
        requirement: "TOGL-02",
        part: "policy",
        summary: "A proof of the password once given in a session counts for ever.",
        build: |server| server.deps.policy = Arc::new(StaleReauthAccepted),
    },
    KnownBad {
        slug: "session-alone-switches-off",
        requirement: "TOGL-02",
        part: "policy",
        summary: "Switching off needs a session and no proof of the password.",
        build: |server| server.deps.policy = Arc::new(SessionAloneSwitchesOff),
    },
    KnownBad {
        slug: "any-password-switches-off",
        requirement: "TOGL-02",
        part: "http",
        summary: "Switching off asks for a password and does not look whether it is right.",
        build: |server| server.wrap(AnyPasswordSwitchesOff),
    },
    KnownBad {
        slug: "pending-switches-off",
        requirement: "TOGL-02",
        part: "http",
        summary: "A pending handle and the password switch two-step verification off.",
        build: |server| server.wrap(PendingSwitchesOff),
    },
    KnownBad {
        slug: "off-still-asks",
        requirement: "TOGL-03",
        part: "policy",
        summary: "New devices are asked for a code although two-step verification is off.",
        build: |server| server.deps.policy = Arc::new(OffStillAsks),
    },
    KnownBad {
        slug: "switching-on-forgets-trust",
        requirement: "TOGL-03",
        part: "policy",
        summary: "Switching on takes the trust of the devices that had it before.",
        build: |server| server.deps.policy = Arc::new(SwitchingOnForgetsTrust),
    },
    KnownBad {
        slug: "old-sessions-survive-enable",
        requirement: "TOGL-03",
        part: "policy",
        summary: "Sessions that untrusted devices opened while it was off go on when it is on.",
        build: |server| server.deps.policy = Arc::new(OldSessionsSurviveEnable),
    },
];

struct DefaultOff;

impl Policy for DefaultOff {
    fn two_step_by_default(&self) -> bool {
        false
    }
}

struct StaleReauthAccepted;

impl Policy for StaleReauthAccepted {
    fn proof_is_fresh(&self, session: &Session, _at: At<'_>) -> bool {
        session.proved_at.is_some()
    }
}

struct SessionAloneSwitchesOff;

impl Policy for SessionAloneSwitchesOff {
    fn proof_is_fresh(&self, _session: &Session, _at: At<'_>) -> bool {
        true
    }
}

/// The password of a request that switches off.
fn switches_off(request: &ApiRequest) -> Option<String> {
    if !tools::is(request, &Method::PUT, "/v1/two-step") {
        return None;
    }
    let body = tools::body(request)?;
    let off = body.get("enabled") == Some(&Value::Bool(false));
    let password = body.get("password")?.as_str()?;
    off.then(|| password.to_owned())
}

async fn switch_off(service: &Service, id: &AccountId) -> Response<Bytes> {
    service.deps().store.transact(id, |account| account.two_step = false).await;
    json(
        StatusCode::OK,
        &serde_json::json!({ "enabled": false, "methods": service.config().methods }),
    )
}

struct AnyPasswordSwitchesOff;

#[async_trait]
impl Middleware for AnyPasswordSwitchesOff {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if switches_off(&request).is_some()
            && let Some((id, _)) = tools::signed_in(service, &request).await
        {
            return switch_off(service, &id).await;
        }
        next.answer(request).await
    }
}

struct PendingSwitchesOff;

#[async_trait]
impl Middleware for PendingSwitchesOff {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if let Some(password) = switches_off(&request)
            && let Some(id) = tools::pending(service, &request).await
        {
            let hash = service
                .deps()
                .store
                .transact(&id, |account| account.password_hash.clone())
                .await;
            if hash.is_some_and(|hash| service.deps().passwords.verify(&password, &hash, &mut HashMemory::default())) {
                return switch_off(service, &id).await;
            }
        }
        next.answer(request).await
    }
}

struct OffStillAsks;

impl Policy for OffStillAsks {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        Standard.admit(&SignInFacts {
            two_step: true,
            ..*facts
        })
    }
}

struct SwitchingOnForgetsTrust;

impl Policy for SwitchingOnForgetsTrust {
    fn revoke(&self, account: &mut Account, change: Change, acting: Option<&DeviceId>) {
        Standard.revoke(account, change, acting);
        if change == Change::TwoStepOn {
            for device in &mut account.devices {
                device.trust = None;
            }
        }
    }
}

struct OldSessionsSurviveEnable;

impl Policy for OldSessionsSurviveEnable {
    fn end_untrusted_sessions(&self, _account: &mut Account, _acting: Option<&DeviceId>) {}
}
