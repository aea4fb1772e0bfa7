//! Email as the weaker way: another lifetime, other guesses, other sends, and codes that a switch does not void.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use reference_server::Service;
use reference_server::domain::{Account, Challenge, ChallengeId, Method, StoredCode, Timestamp, TokenHash};
use reference_server::http::{Edge, EdgeRequest, HttpEdge};
use reference_server::rules::{AttemptRules, CodeRules, Standard};
use reference_server::settings::Settings;

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "push-code-survives-switch",
        requirement: "METH-04",
        part: "rules.codes",
        summary: "A pushed code stays valid beside the mailed one.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(PushedSurvives::default());
            parts
        },
    },
    KnownBad {
        slug: "switch-resets-the-guesses",
        requirement: "METH-04",
        part: "rules.codes",
        summary: "A switch to email starts the count of guesses again.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(SwitchResetsGuesses);
            parts
        },
    },
    KnownBad {
        slug: "switch-is-no-send",
        requirement: "METH-04",
        part: "edge",
        summary: "A switch has no part in the limits on sending.",
        build: |mut parts| {
            parts.edge = Arc::new(SwitchIsNoSend);
            parts
        },
    },
    KnownBad {
        slug: "email-code-24h-ttl",
        requirement: "METH-06",
        part: "rules.codes",
        summary: "A mailed code has the lifetime of a recovery code.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(MailedLivesADay);
            parts
        },
    },
    KnownBad {
        slug: "email-path-unthrottled",
        requirement: "METH-06",
        part: "rules.attempts",
        summary: "Mailed codes are verified by a handler of their own, which has no limits.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(MailedUnthrottled);
            parts
        },
    },
    KnownBad {
        slug: "mailed-code-per-account",
        requirement: "METH-06",
        part: "rules.codes",
        summary: "A mailed code is good for every challenge of its account that was switched to email.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(MailedPerAccount);
            parts
        },
    },
];

/// The pushed code of each challenge, kept when a mailed one takes its place.
#[derive(Default)]
struct PushedSurvives {
    pushed: Mutex<HashMap<ChallengeId, StoredCode>>,
}

impl CodeRules for PushedSurvives {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        Standard.issue(challenge, code, now);
        if let (Method::Push, Some(code)) = (challenge.method, &challenge.code) {
            let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
            pushed.insert(challenge.id.clone(), code.clone());
        }
    }

    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, settings: &Settings) -> bool {
        let pushed = self
            .pushed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(challenge)
            .cloned();
        let survived = pushed.is_some_and(|code| code.is(challenge, submitted));
        survived || Standard.matches(account, challenge, submitted, now, settings)
    }
}

struct SwitchResetsGuesses;

impl CodeRules for SwitchResetsGuesses {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        Standard.issue(challenge, code, now);
        if challenge.method == Method::Email {
            challenge.attempts = 0;
        }
    }
}

struct SwitchIsNoSend;

#[async_trait]
impl Edge for SwitchIsNoSend {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        if request.path == "/v1/challenge/method"
            && let (Some(id), Some(handle)) = (tools::pending(service, &request).await, tools::bearer(&request))
        {
            let token = TokenHash::of(handle);
            let forget = |account: &mut Account| {
                let held = account.challenges.iter_mut().find(|challenge| challenge.handle == token);
                if let Some(challenge) = held {
                    challenge.sends = 0;
                    challenge.sent_at = challenge.created_at;
                }
            };
            service.parts().store.transact(&id, forget).await;
        }
        HttpEdge.answer(service, request).await
    }
}

struct MailedLivesADay;

impl CodeRules for MailedLivesADay {
    fn expires_at(&self, challenge: &Challenge, settings: &Settings) -> Timestamp {
        match (&challenge.code, challenge.method) {
            (Some(code), Method::Email) => code.issued_at.plus_s(24 * 3600),
            _ => Standard.expires_at(challenge, settings),
        }
    }
}

struct MailedUnthrottled;

impl MailedUnthrottled {
    fn mailed(account: &Account, id: &ChallengeId) -> bool {
        account
            .challenge(id)
            .is_some_and(|challenge| challenge.method == Method::Email)
    }
}

impl AttemptRules for MailedUnthrottled {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) -> bool {
        Self::mailed(account, id) || Standard.reserve(account, id, now, settings)
    }

    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        if !Self::mailed(account, id) {
            Standard.wrong(account, id, now, settings);
        }
    }
}

struct MailedPerAccount;

impl CodeRules for MailedPerAccount {
    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, settings: &Settings) -> bool {
        let mailed = |challenge: &&Challenge| challenge.method == Method::Email;
        let of_mail = account.challenge(challenge).filter(mailed).is_some();
        let mut others = account.challenges.iter().filter(mailed);
        let by_another = of_mail && others.any(|other| Standard.matches(account, &other.id, submitted, now, settings));
        by_another || Standard.matches(account, challenge, submitted, now, settings)
    }
}
