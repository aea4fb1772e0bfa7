//! Email as the weaker way: another lifetime, other guesses, other sends, and codes that a switch does not void.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use reference_server::account::{Account, Challenge, ChallengeId, Method, StoredCode, Timestamp, TokenHash};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Policy, Standard};

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "push-code-survives-switch",
        requirement: "METH-04",
        part: "policy",
        summary: "A pushed code stays valid beside the mailed one.",
        build: |server| server.deps.policy = Arc::new(PushedSurvives::default()),
    },
    KnownBad {
        slug: "switch-resets-the-guesses",
        requirement: "METH-04",
        part: "policy",
        summary: "A switch to email starts the count of guesses again.",
        build: |server| server.deps.policy = Arc::new(SwitchResetsGuesses),
    },
    KnownBad {
        slug: "switch-is-no-send",
        requirement: "METH-04",
        part: "http",
        summary: "A switch has no part in the limits on sending.",
        build: |server| server.wrap(SwitchIsNoSend),
    },
    KnownBad {
        slug: "email-code-24h-ttl",
        requirement: "METH-06",
        part: "policy",
        summary: "A mailed code has the lifetime of a recovery code.",
        build: |server| server.deps.policy = Arc::new(MailedLivesADay),
    },
    KnownBad {
        slug: "email-path-unthrottled",
        requirement: "METH-06",
        part: "policy",
        summary: "Mailed codes are verified by a handler of their own, which has no limits.",
        build: |server| server.deps.policy = Arc::new(MailedUnthrottled),
    },
    KnownBad {
        slug: "mailed-code-per-account",
        requirement: "METH-06",
        part: "policy",
        summary: "A mailed code is good for every challenge of its account that was switched to email.",
        build: |server| server.deps.policy = Arc::new(MailedPerAccount),
    },
];

/// The pushed code of each challenge, kept when a mailed one takes its place.
#[derive(Default)]
struct PushedSurvives {
    pushed: Mutex<HashMap<ChallengeId, StoredCode>>,
}

impl Policy for PushedSurvives {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        Standard.issue_code(challenge, code, at);
        if let (Method::Push, Some(code)) = (challenge.method, &challenge.code) {
            let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
            pushed.insert(challenge.id.clone(), code.clone());
        }
    }

    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        let pushed = self
            .pushed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(challenge)
            .cloned();
        let survived = pushed.is_some_and(|code| code.is(challenge, submitted));
        survived || Standard.code_matches(account, challenge, submitted, at)
    }
}

struct SwitchResetsGuesses;

impl Policy for SwitchResetsGuesses {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        Standard.issue_code(challenge, code, at);
        if challenge.method == Method::Email {
            challenge.attempts = 0;
        }
    }
}

struct SwitchIsNoSend;

#[async_trait]
impl Middleware for SwitchIsNoSend {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
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
            service.deps().store.transact(&id, forget).await;
        }
        next.answer(request).await
    }
}

struct MailedLivesADay;

impl Policy for MailedLivesADay {
    fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
        match (&challenge.code, challenge.method) {
            (Some(code), Method::Email) => code.issued_at.plus_s(24 * 3600),
            _ => Standard.code_expires_at(challenge, at),
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

impl Policy for MailedUnthrottled {
    fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
        Self::mailed(account, id) || Standard.reserve_guess(account, id, at)
    }

    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        if !Self::mailed(account, id) {
            Standard.wrong_code(account, id, at);
        }
    }
}

struct MailedPerAccount;

impl Policy for MailedPerAccount {
    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        let mailed = |challenge: &&Challenge| challenge.method == Method::Email;
        let of_mail = account.challenge(challenge).filter(mailed).is_some();
        let mut others = account.challenges.iter().filter(mailed);
        let by_another = of_mail && others.any(|other| Standard.code_matches(account, &other.id, submitted, at));
        by_another || Standard.code_matches(account, challenge, submitted, at)
    }
}
