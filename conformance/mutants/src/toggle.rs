//! Mutants of the area `toggle`.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{Account, AccountId, DeviceId, Session};
use reference_server::http::{ApiRequest, Router, json};
use reference_server::policy::{Admission, At, Change, SignInFacts, Standard};
use reference_server::ports::HashMemory;
use serde_json::Value;

use super::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A new account has two-step verification off.
    "default-off" breaks "TOGL-01": policy DefaultOff {
        fn two_step_by_default(&self) -> bool {
            false
        }
    }

    /// A proof of the password once given in a session counts for ever.
    "stale-reauth-accepted" breaks "TOGL-02": policy StaleReauthAccepted {
        fn proof_is_fresh(&self, session: &Session, _at: At<'_>) -> bool {
            session.proved_at.is_some()
        }
    }

    /// Switching off needs a session and no proof of the password.
    "session-alone-switches-off" breaks "TOGL-02": policy SessionAloneSwitchesOff {
        fn proof_is_fresh(&self, _session: &Session, _at: At<'_>) -> bool {
            true
        }
    }

    /// Switching off asks for a password and does not look whether it is right.
    "any-password-switches-off" breaks "TOGL-02": http AnyPasswordSwitchesOff {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if switches_off(&request).is_some()
                && let Some((id, _)) = http_util::signed_in(service, &request).await
            {
                return switch_off(service, &id).await;
            }
            next.answer(request).await
        }
    }

    /// A pending handle and the password switch two-step verification off.
    "pending-switches-off" breaks "TOGL-02": http PendingSwitchesOff {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if let Some(password) = switches_off(&request)
                && let Some(id) = http_util::pending(service, &request).await
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

    /// New devices are asked for a code although two-step verification is off.
    "off-still-asks" breaks "TOGL-03": policy OffStillAsks {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            Standard.admit(&SignInFacts {
                two_step: true,
                ..*facts
            })
        }
    }

    /// Switching on takes the trust of the devices that had it before.
    "switching-on-forgets-trust" breaks "TOGL-03": policy SwitchingOnForgetsTrust {
        fn revoke(&self, account: &mut Account, change: Change, acting: Option<&DeviceId>) {
            Standard.revoke(account, change, acting);
            if change == Change::TwoStepOn {
                for device in &mut account.devices {
                    device.trust = None;
                }
            }
        }
    }

    /// Sessions that untrusted devices opened while it was off go on when it is on.
    "old-sessions-survive-enable" breaks "TOGL-03": policy OldSessionsSurviveEnable {
        fn end_untrusted_sessions(&self, _account: &mut Account, _acting: Option<&DeviceId>) {}
    }
}

/// The password of a request that switches off.
fn switches_off(request: &ApiRequest) -> Option<String> {
    if !http_util::is(request, &Method::PUT, "/v1/two-step") {
        return None;
    }
    let body = http_util::body(request)?;
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
