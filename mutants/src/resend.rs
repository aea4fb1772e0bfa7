//! Servers that each break one requirement of the area `resend`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::domain::{Account, AccountId, Challenge, ChallengeId, ChallengeState, StoredCode, Timestamp};
use reference_server::http::{Edge, EdgeRequest, HttpEdge, json};
use reference_server::parts::{CodeFor, Message, MessageContent, Recipient};
use reference_server::rules::{CodeRules, NotNow, SendRules, Standard};
use reference_server::settings::Settings;
use serde_json::Value;

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "resent-code-not-valid",
        requirement: "RSND-01",
        part: "rules.codes",
        summary: "A resend mails a fresh code and leaves the stored one as it was.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(ResentCodeNotValid);
            parts
        },
    },
    KnownBad {
        slug: "old-code-still-valid",
        requirement: "RSND-02",
        part: "rules.codes",
        summary: "Codes are added to those before, and any of them is accepted.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(OldCodeStillValid::default());
            parts
        },
    },
    KnownBad {
        slug: "no-cooldown",
        requirement: "RSND-03",
        part: "rules.sends",
        summary: "A code can be sent again at once.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(NoCooldown);
            parts
        },
    },
    KnownBad {
        slug: "cooldown-rotates-code-anyway",
        requirement: "RSND-03",
        part: "rules.sends",
        summary: "A resend inside the cool-down is refused after the code was already replaced.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(CooldownRotatesCodeAnyway);
            parts
        },
    },
    KnownBad {
        slug: "double-tap-sends-two-codes",
        requirement: "RSND-03",
        part: "rules.sends",
        summary: "Signing in twice from one device makes two challenges and two messages.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(DoubleTapSendsTwoCodes);
            parts
        },
    },
    KnownBad {
        slug: "no-challenge-cap",
        requirement: "RSND-03",
        part: "rules.sends",
        summary: "One challenge may cause any number of messages.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(NoChallengeCap);
            parts
        },
    },
    KnownBad {
        slug: "no-account-cap",
        requirement: "RSND-03",
        part: "rules.sends",
        summary: "The challenges of an account may together cause any number of messages.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(NoAccountCap);
            parts
        },
    },
    KnownBad {
        slug: "resend-by-email",
        requirement: "RSND-04",
        part: "edge",
        summary: "Naming the account is enough to have its code sent again.",
        build: |mut parts| {
            parts.edge = Arc::new(ResendByEmail);
            parts
        },
    },
    KnownBad {
        slug: "resend-to-named-address",
        requirement: "RSND-04",
        part: "edge",
        summary: "A resend goes to the address that the request names.",
        build: |mut parts| {
            parts.edge = Arc::new(ResendToNamedAddress);
            parts
        },
    },
    KnownBad {
        slug: "account-keyed-code-row",
        requirement: "RSND-05",
        part: "rules.sends",
        summary: "An account has one code, which the next challenge overwrites.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(AccountKeyedCodeRow);
            parts
        },
    },
];

struct ResentCodeNotValid;

impl CodeRules for ResentCodeNotValid {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        if challenge.code.is_none() {
            Standard.issue(challenge, code, now);
        }
    }
}

#[derive(Default)]
struct OldCodeStillValid {
    codes: Mutex<HashMap<ChallengeId, Vec<StoredCode>>>,
}

impl CodeRules for OldCodeStillValid {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        Standard.issue(challenge, code, now);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.entry(challenge.id.clone()).or_default().extend(challenge.code.clone());
    }

    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, settings: &Settings) -> bool {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = codes.get(challenge).into_iter().flatten();
        account.challenge(challenge).is_some()
            && rows.any(|code| code.is(challenge, submitted) && now < code.issued_at.plus_s(settings.code_ttl_s))
    }
}

struct NoCooldown;

impl SendRules for NoCooldown {
    fn may_send(&self, account: &mut Account, challenge: &Challenge, now: Timestamp, settings: &Settings) -> Result<(), NotNow> {
        let cooled = Challenge {
            sent_at: now.minus_s(settings.resend_cooldown_s),
            ..challenge.clone()
        };
        Standard.may_send(account, &cooled, now, settings)
    }
}

struct CooldownRotatesCodeAnyway;

impl SendRules for CooldownRotatesCodeAnyway {
    fn may_send(&self, account: &mut Account, challenge: &Challenge, now: Timestamp, settings: &Settings) -> Result<(), NotNow> {
        if let Some(stored) = account.challenge_mut(&challenge.id) {
            stored.code = Some(StoredCode::new(&challenge.id, "a code that is not sent", now));
        }
        Standard.may_send(account, challenge, now, settings)
    }
}

struct DoubleTapSendsTwoCodes;

impl SendRules for DoubleTapSendsTwoCodes {
    fn may_open(
        &self,
        account: &mut Account,
        _installation: &str,
        now: Timestamp,
        settings: &Settings,
        codes: &dyn CodeRules,
    ) -> Result<(), NotNow> {
        Standard.may_open(account, "a device never seen", now, settings, codes)
    }
}

struct NoChallengeCap;

impl SendRules for NoChallengeCap {
    fn may_send(&self, account: &mut Account, challenge: &Challenge, now: Timestamp, settings: &Settings) -> Result<(), NotNow> {
        let first = Challenge {
            sends: 0,
            ..challenge.clone()
        };
        Standard.may_send(account, &first, now, settings)
    }
}

struct NoAccountCap;

impl SendRules for NoAccountCap {
    fn account_may_send(&self, _account: &mut Account, _now: Timestamp, _settings: &Settings) -> Result<(), NotNow> {
        Ok(())
    }
}

/// Sends a fresh code of the account's newest live challenge to this address.
async fn send_code(service: &Service, id: &AccountId, address: &str) {
    let (parts, now) = (service.parts(), service.now());
    let issued = parts.store.transact(id, |account| {
        let code = parts.codes.draw(CodeFor {
            email: &account.email,
            now,
            digits: service.settings().code_length,
        });
        let mut live = account.challenges.iter_mut().rev();
        let challenge = live.find(|challenge| challenge.state == ChallengeState::Live)?;
        parts.rules.codes.issue(challenge, &code, now);
        let content = MessageContent::Code {
            code,
            challenge: challenge.id.clone(),
            expires_at: parts.rules.codes.expires_at(challenge, service.settings()),
            device_name: challenge.device_name.clone(),
            place: "unknown".to_owned(),
            at: now,
        };
        let to = Recipient::Email(address.to_owned());
        Some(Message { to, content })
    });
    if let Some(message) = issued.await.flatten() {
        // Whether it arrives is not told, as with so many such endpoints.
        let _ = parts.mailer.send(&message).await;
    }
}

/// The address that a resend names.
fn named(request: &EdgeRequest) -> Option<String> {
    if !tools::is(request, &Method::POST, "/v1/challenge/resend") {
        return None;
    }
    tools::body(request)?.get("email")?.as_str().map(str::to_owned)
}

struct ResendByEmail;

#[async_trait]
impl Edge for ResendByEmail {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let Some(email) = named(&request) else {
            return HttpEdge.answer(service, request).await;
        };
        if let Some(id) = service.parts().store.by_email(&email).await {
            send_code(service, &id, &email).await;
        }
        json(StatusCode::OK, &serde_json::json!({ "status": "sent" }))
    }
}

struct ResendToNamedAddress;

#[async_trait]
impl Edge for ResendToNamedAddress {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let Some(email) = named(&request) else {
            return HttpEdge.answer(service, request).await;
        };
        let holder = tools::pending(service, &request).await;
        let plain = tools::with_body(&request, &Value::Object(serde_json::Map::new()));
        let answer = HttpEdge.answer(service, plain).await;
        if let Some(id) = holder.filter(|_| answer.status().is_success()) {
            send_code(service, &id, &email).await;
        }
        answer
    }
}

struct AccountKeyedCodeRow;

impl SendRules for AccountKeyedCodeRow {
    fn sent(&self, account: &mut Account, challenge: &ChallengeId, now: Timestamp) {
        Standard.sent(account, challenge, now);
        for other in account.challenges.iter_mut().filter(|other| other.id != *challenge) {
            other.code = None;
        }
    }
}
