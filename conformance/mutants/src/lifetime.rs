//! Mutants of the area `lifetime`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reference_server::account::{Account, Challenge, ChallengeId, ChallengeState, StoredCode, Timestamp};
use reference_server::config::Config;
use reference_server::policy::{At, Change, Policy, Standard};

mutants! {
    /// A code lapses only when something sweeps it out, which nothing does.
    "no-expiry-check" breaks "LIFE-01": policy NoExpiryCheck {
        fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
            challenge.created_at.plus_s(at.config.challenge_max_s)
        }
    }

    /// The answer tells when the code lapses, and the server never looks at it.
    "expiry-only-in-ui" breaks "LIFE-01": policy ExpiryOnlyInUi {
        fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
            let found = account.challenge(challenge);
            found.is_some_and(|challenge| challenge.code.as_ref().is_some_and(|code| code.is(&challenge.id, submitted)))
        }
    }

    /// A code lapses after half of its declared lifetime.
    "code-dies-early" breaks "LIFE-01": policy CodeDiesEarly {
        fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
            let half = Config {
                code_ttl_s: at.config.code_ttl_s / 2,
                ..at.config.clone()
            };
            Standard.code_expires_at(challenge, At { config: &half, ..at })
        }
    }

    /// Each wrong guess gives the code its whole lifetime again.
    "guess-extends-expiry" breaks "LIFE-02": policy GuessExtendsExpiry {
        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            if let Some(code) = account.challenge_mut(id).and_then(|challenge| challenge.code.as_mut()) {
                code.issued_at = at.now;
            }
            Standard.wrong_code(account, id, at);
        }
    }

    /// The limit of a challenge counts from its newest code, so that a resend moves it.
    "limit-moves-with-resend" breaks "LIFE-02": policy LimitMovesWithResend {
        fn challenge_is_open(&self, challenge: &Challenge, at: At<'_>) -> bool {
            let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
            challenge.state == ChallengeState::Live && at.now < newest.plus_s(at.config.challenge_max_s)
        }

        fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
            let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
            newest.plus_s(at.config.code_ttl_s)
        }
    }

    /// A resend asks only whether the challenge is still there.
    "resend-revives-expired-challenge" breaks "LIFE-02": policy ResendRevivesExpiredChallenge {
        fn challenge_is_open(&self, challenge: &Challenge, _at: At<'_>) -> bool {
            challenge.state == ChallengeState::Live
        }
    }

    /// A successful verification leaves code and challenge as they were.
    "code-not-consumed" breaks "LIFE-03": policy CodeNotConsumed {
        fn redeem_code(&self, _challenge: &mut Challenge) {}
    }

    /// Any code that was ever sent to the account is accepted on any of its challenges.
    "spent-codes-open-other-challenges" breaks "LIFE-03": policy = SpentCodesOpenOtherChallenges::default();

    /// Any wrong guess deletes the code.
    "invalidate-on-first-failure" breaks "LIFE-04": policy InvalidateOnFirstFailure {
        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            if let Some(challenge) = account.challenge_mut(id) {
                challenge.code = None;
            }
            Standard.wrong_code(account, id, at);
        }
    }

    /// A pending challenge outlives a change of the password.
    "challenge-survives-password-change" breaks "LIFE-05": policy = Survives(&[Change::PasswordChanged]);

    /// A pending challenge outlives a reset of the password.
    "challenge-survives-reset" breaks "LIFE-05": policy = Survives(&[Change::PasswordReset]);

    /// A pending challenge outlives two-step verification being switched off and on.
    "challenge-survives-toggle" breaks "LIFE-05": policy = Survives(&[Change::TwoStepOff, Change::TwoStepOn]);
}

#[derive(Default)]
struct SpentCodesOpenOtherChallenges {
    sent: Mutex<HashMap<ChallengeId, Vec<String>>>,
}

impl Policy for SpentCodesOpenOtherChallenges {
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.entry(challenge.id.clone()).or_default().push(code.to_owned());
        challenge.code = Some(StoredCode::new(&challenge.id, code, at.now));
    }

    fn code_matches(&self, account: &Account, _challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut codes = account
            .challenges
            .iter()
            .filter_map(|challenge| sent.get(&challenge.id))
            .flatten();
        codes.any(|code| code == submitted)
    }
}

/// Challenges outlive these changes.
struct Survives(&'static [Change]);

impl Policy for Survives {
    fn void_challenges(&self, account: &mut Account, change: Change) {
        if !self.0.contains(&change) {
            account.void_challenges(|_| true);
        }
    }
}
