//! Email as the weaker way: another lifetime, other guesses, other sends, and codes that a switch does not void.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use reference_server::account::{Account, Challenge, ChallengeId, Method, StoredCode, Timestamp, TokenHash};
use reference_server::http::{ApiRequest, Router};
use reference_server::policy::{At, Policy, Standard};

use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A pushed code stays valid beside the mailed one.
    "push-code-survives-switch" breaks "METH-04": policy = PushedSurvives::default();

    /// A switch to email starts the count of guesses again.
    "switch-resets-the-guesses" breaks "METH-04": policy SwitchResetsGuesses {
        fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
            Standard.issue_code(challenge, code, at);
            if challenge.method == Method::Email {
                challenge.attempts = 0;
            }
        }
    }

    /// A switch has no part in the limits on sending.
    "switch-is-no-send" breaks "METH-04": http SwitchIsNoSend {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if request.path == "/v1/challenge/method"
                && let (Some(id), Some(handle)) = (http_util::pending(service, &request).await, http_util::bearer(&request))
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

    /// A mailed code has the lifetime of a recovery code.
    "email-code-24h-ttl" breaks "METH-06": policy MailedLivesADay {
        fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
            match (&challenge.code, challenge.method) {
                (Some(code), Method::Email) => code.issued_at.plus_s(24 * 3600),
                _ => Standard.code_expires_at(challenge, at),
            }
        }
    }

    /// Mailed codes are verified by a handler of their own, which has no limits.
    "email-path-unthrottled" breaks "METH-06": policy = MailedUnthrottled;

    /// A mailed code is good for every challenge of its account that was switched to email.
    "mailed-code-per-account" breaks "METH-06": policy MailedPerAccount {
        fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
            let mailed = |challenge: &&Challenge| challenge.method == Method::Email;
            let of_mail = account.challenge(challenge).filter(mailed).is_some();
            let mut others = account.challenges.iter().filter(mailed);
            let by_another = of_mail && others.any(|other| Standard.code_matches(account, &other.id, submitted, at));
            by_another || Standard.code_matches(account, challenge, submitted, at)
        }
    }
}

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
