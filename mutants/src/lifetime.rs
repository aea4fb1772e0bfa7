//! Servers that each break one requirement of the area `lifetime`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reference_server::account::{Account, Challenge, ChallengeId, ChallengeState, StoredCode, Timestamp};
use reference_server::config::Config;
use reference_server::policy::{At, Change, Policy, Standard};

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "no-expiry-check",
        requirement: "LIFE-01",
        part: "policy",
        summary: "A code lapses only when something sweeps it out, which nothing does.",
        build: |server| server.deps.policy = Arc::new(NoExpiryCheck),
    },
    KnownBad {
        slug: "expiry-only-in-ui",
        requirement: "LIFE-01",
        part: "policy",
        summary: "The answer tells when the code lapses, and the server never looks at it.",
        build: |server| server.deps.policy = Arc::new(ExpiryOnlyInUi),
    },
    KnownBad {
        slug: "code-dies-early",
        requirement: "LIFE-01",
        part: "policy",
        summary: "A code lapses after half of its declared lifetime.",
        build: |server| server.deps.policy = Arc::new(CodeDiesEarly),
    },
    KnownBad {
        slug: "guess-extends-expiry",
        requirement: "LIFE-02",
        part: "policy",
        summary: "Each wrong guess gives the code its whole lifetime again.",
        build: |server| server.deps.policy = Arc::new(GuessExtendsExpiry),
    },
    KnownBad {
        slug: "limit-moves-with-resend",
        requirement: "LIFE-02",
        part: "policy",
        summary: "The limit of a challenge counts from its newest code, so that a resend moves it.",
        build: |server| server.deps.policy = Arc::new(LimitMovesWithResend),
    },
    KnownBad {
        slug: "resend-revives-expired-challenge",
        requirement: "LIFE-02",
        part: "policy",
        summary: "A resend asks only whether the challenge is still there.",
        build: |server| server.deps.policy = Arc::new(ResendRevivesExpiredChallenge),
    },
    KnownBad {
        slug: "code-not-consumed",
        requirement: "LIFE-03",
        part: "policy",
        summary: "A successful verification leaves code and challenge as they were.",
        build: |server| server.deps.policy = Arc::new(CodeNotConsumed),
    },
    KnownBad {
        slug: "spent-codes-open-other-challenges",
        requirement: "LIFE-03",
        part: "policy",
        summary: "Any code that was ever sent to the account is accepted on any of its challenges.",
        build: |server| server.deps.policy = Arc::new(SpentCodesOpenOtherChallenges::default()),
    },
    KnownBad {
        slug: "invalidate-on-first-failure",
        requirement: "LIFE-04",
        part: "policy",
        summary: "Any wrong guess deletes the code.",
        build: |server| server.deps.policy = Arc::new(InvalidateOnFirstFailure),
    },
    KnownBad {
        slug: "challenge-survives-password-change",
        requirement: "LIFE-05",
        part: "policy",
        summary: "A pending challenge outlives a change of the password.",
        build: |server| server.deps.policy = Arc::new(Survives(&[Change::PasswordChanged])),
    },
    KnownBad {
        slug: "challenge-survives-reset",
        requirement: "LIFE-05",
        part: "policy",
        summary: "A pending challenge outlives a reset of the password.",
        build: |server| server.deps.policy = Arc::new(Survives(&[Change::PasswordReset])),
    },
    KnownBad {
        slug: "challenge-survives-toggle",
        requirement: "LIFE-05",
        part: "policy",
        summary: "A pending challenge outlives two-step verification being switched off and on.",
        build: |server| server.deps.policy = Arc::new(Survives(&[Change::TwoStepOff, Change::TwoStepOn])),
    },
];

struct NoExpiryCheck;

impl Policy for NoExpiryCheck {
    fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
        challenge.created_at.plus_s(at.config.challenge_max_s)
    }
}

struct CodeDiesEarly;

impl Policy for CodeDiesEarly {
    fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
        let half = Config {
            code_ttl_s: at.config.code_ttl_s / 2,
            ..at.config.clone()
        };
        Standard.code_expires_at(challenge, At { config: &half, ..at })
    }
}

struct ExpiryOnlyInUi;

impl Policy for ExpiryOnlyInUi {
    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, _at: At<'_>) -> bool {
        let found = account.challenge(challenge);
        found.is_some_and(|challenge| challenge.code.as_ref().is_some_and(|code| code.is(&challenge.id, submitted)))
    }
}

struct GuessExtendsExpiry;

impl Policy for GuessExtendsExpiry {
    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        if let Some(code) = account.challenge_mut(id).and_then(|challenge| challenge.code.as_mut()) {
            code.issued_at = at.now;
        }
        Standard.wrong_code(account, id, at);
    }
}

struct LimitMovesWithResend;

impl Policy for LimitMovesWithResend {
    fn challenge_is_open(&self, challenge: &Challenge, at: At<'_>) -> bool {
        let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
        challenge.state == ChallengeState::Live && at.now < newest.plus_s(at.config.challenge_max_s)
    }

    fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
        let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
        newest.plus_s(at.config.code_ttl_s)
    }
}

struct ResendRevivesExpiredChallenge;

impl Policy for ResendRevivesExpiredChallenge {
    fn challenge_is_open(&self, challenge: &Challenge, _at: At<'_>) -> bool {
        challenge.state == ChallengeState::Live
    }
}

struct CodeNotConsumed;

impl Policy for CodeNotConsumed {
    fn redeem_code(&self, _challenge: &mut Challenge) {}
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

struct InvalidateOnFirstFailure;

impl Policy for InvalidateOnFirstFailure {
    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        if let Some(challenge) = account.challenge_mut(id) {
            challenge.code = None;
        }
        Standard.wrong_code(account, id, at);
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
