//! Mutants of the area `resend`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{Account, AccountId, Challenge, ChallengeId, ChallengeState, StoredCode};
use reference_server::http::{ApiRequest, Router, json};
use reference_server::policy::{At, Policy, RateLimited, Standard};
use reference_server::ports::{CodeFor, Message, MessageContent, Recipient};
use serde_json::Value;

use super::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A resend mails a fresh code and leaves the stored one as it was.
    "resent-code-not-valid" breaks "RSND-01": policy ResentCodeNotValid {
        fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
            if challenge.code.is_none() {
                Standard.issue_code(challenge, code, at);
            }
        }
    }

    /// Codes are added to those before, and any of them is accepted.
    "old-code-still-valid" breaks "RSND-02": policy = OldCodeStillValid::default();

    /// A code can be sent again at once.
    "no-cooldown" breaks "RSND-03": policy NoCooldown {
        fn may_send(&self, account: &mut Account, challenge: &Challenge, at: At<'_>) -> Result<(), RateLimited> {
            let cooled = Challenge {
                sent_at: at.now.minus_s(at.config.resend_cooldown_s),
                ..challenge.clone()
            };
            Standard.may_send(account, &cooled, at)
        }
    }

    /// A resend inside the cool-down is refused after the code was already replaced.
    "cooldown-rotates-code-anyway" breaks "RSND-03": policy CooldownRotatesCodeAnyway {
        fn may_send(&self, account: &mut Account, challenge: &Challenge, at: At<'_>) -> Result<(), RateLimited> {
            if let Some(stored) = account.challenge_mut(&challenge.id) {
                stored.code = Some(StoredCode::new(&challenge.id, "a code that is not sent", at.now));
            }
            Standard.may_send(account, challenge, at)
        }
    }

    /// Signing in twice from one device makes two challenges and two messages.
    "double-tap-sends-two-codes" breaks "RSND-03": policy DoubleTapSendsTwoCodes {
        fn may_open_challenge(&self, account: &mut Account, _installation: &str, at: At<'_>) -> Result<(), RateLimited> {
            Standard.may_open_challenge(account, "a device never seen", at)
        }
    }

    /// One challenge may cause any number of messages.
    "no-challenge-cap" breaks "RSND-03": policy NoChallengeCap {
        fn may_send(&self, account: &mut Account, challenge: &Challenge, at: At<'_>) -> Result<(), RateLimited> {
            let first = Challenge {
                sends: 0,
                ..challenge.clone()
            };
            Standard.may_send(account, &first, at)
        }
    }

    /// The challenges of an account may together cause any number of messages.
    "no-account-cap" breaks "RSND-03": policy NoAccountCap {
        fn account_may_send(&self, _account: &mut Account, _at: At<'_>) -> Result<(), RateLimited> {
            Ok(())
        }
    }

    /// Naming the account is enough to have its code sent again.
    "resend-by-email" breaks "RSND-04": http ResendByEmail {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let Some(email) = named(&request) else {
                return next.answer(request).await;
            };
            if let Some(id) = service.deps().store.by_email(&email).await.ok().flatten() {
                send_code(service, &id, &email).await;
            }
            json(StatusCode::OK, &serde_json::json!({ "status": "sent" }))
        }
    }

    /// A resend goes to the address that the request names.
    "resend-to-named-address" breaks "RSND-04": http ResendToNamedAddress {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let Some(email) = named(&request) else {
                return next.answer(request).await;
            };
            let holder = http_util::pending(service, &request).await;
            let plain = http_util::with_body(&request, &Value::Object(serde_json::Map::new()));
            let answer = next.answer(plain).await;
            if let Some(id) = holder.filter(|_| answer.status().is_success()) {
                send_code(service, &id, &email).await;
            }
            answer
        }
    }

    /// An account has one code, which the next challenge overwrites.
    "account-keyed-code-row" breaks "RSND-05": policy AccountKeyedCodeRow {
        fn count_send(&self, account: &mut Account, challenge: &ChallengeId, at: At<'_>) {
            Standard.count_send(account, challenge, at);
            for other in account.challenges.iter_mut().filter(|other| other.id != *challenge) {
                other.code = None;
            }
        }
    }
}

#[derive(Default)]
struct OldCodeStillValid {
    codes: Mutex<HashMap<ChallengeId, Vec<StoredCode>>>,
}

impl Policy for OldCodeStillValid {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        Standard.issue_code(challenge, code, at);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.entry(challenge.id.clone()).or_default().extend(challenge.code.clone());
    }

    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = codes.get(challenge).into_iter().flatten();
        account.challenge(challenge).is_some()
            && rows.any(|code| code.is(challenge, submitted) && at.now < code.issued_at.plus_s(at.config.code_ttl_s))
    }
}

/// Sends a fresh code of the account's newest live challenge to this address.
async fn send_code(service: &Service, id: &AccountId, address: &str) {
    let (deps, now) = (service.deps(), service.now());
    let issued = deps.store.transact(id, |account| {
        let code = deps.codes.draw(CodeFor {
            email: &account.email,
            now,
            digits: service.config().code_length,
        });
        let mut live = account.challenges.iter_mut().rev();
        let challenge = live.find(|challenge| challenge.state == ChallengeState::Live)?;
        deps.policy.issue_code(challenge, &code, service.at());
        let content = MessageContent::Code {
            code,
            challenge: challenge.id.clone(),
            expires_at: deps.policy.code_expires_at(challenge, service.at()),
            device_name: challenge.device_name.clone(),
            place: "unknown".to_owned(),
            at: now,
        };
        let to = Recipient::Email(address.to_owned());
        Some(Message { to, content })
    });
    if let Some(message) = issued.await.flatten() {
        // Whether it arrives is not told, as with so many such endpoints.
        let _ = deps.mailer.send(&message).await;
    }
}

/// The address that a resend names.
fn named(request: &ApiRequest) -> Option<String> {
    if !http_util::is(request, &Method::POST, "/v1/challenge/resend") {
        return None;
    }
    http_util::body(request)?.get("email")?.as_str().map(str::to_owned)
}
