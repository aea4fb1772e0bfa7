//! Servers that each break one requirement of the area `lifetime`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reference_server::domain::{Account, Challenge, ChallengeId, ChallengeState, StoredCode, Timestamp};
use reference_server::rules::{AttemptRules, Change, CodeRules, EpochRules, Standard};
use reference_server::settings::Settings;

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "no-expiry-check",
        requirement: "LIFE-01",
        part: "rules.codes",
        summary: "A code lapses only when something sweeps it out, which nothing does.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(NoExpiryCheck);
            parts
        },
    },
    KnownBad {
        slug: "expiry-only-in-ui",
        requirement: "LIFE-01",
        part: "rules.codes",
        summary: "The answer tells when the code lapses, and the server never looks at it.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(ExpiryOnlyInUi);
            parts
        },
    },
    KnownBad {
        slug: "code-dies-early",
        requirement: "LIFE-01",
        part: "rules.codes",
        summary: "A code lapses after half of its declared lifetime.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(CodeDiesEarly);
            parts
        },
    },
    KnownBad {
        slug: "guess-extends-expiry",
        requirement: "LIFE-02",
        part: "rules.attempts",
        summary: "Each wrong guess gives the code its whole lifetime again.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(GuessExtendsExpiry);
            parts
        },
    },
    KnownBad {
        slug: "limit-moves-with-resend",
        requirement: "LIFE-02",
        part: "rules.codes",
        summary: "The limit of a challenge counts from its newest code, so that a resend moves it.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(LimitMovesWithResend);
            parts
        },
    },
    KnownBad {
        slug: "resend-revives-expired-challenge",
        requirement: "LIFE-02",
        part: "rules.codes",
        summary: "A resend asks only whether the challenge is still there.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(ResendRevivesExpiredChallenge);
            parts
        },
    },
    KnownBad {
        slug: "code-not-consumed",
        requirement: "LIFE-03",
        part: "rules.codes",
        summary: "A successful verification leaves code and challenge as they were.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(CodeNotConsumed);
            parts
        },
    },
    KnownBad {
        slug: "spent-codes-open-other-challenges",
        requirement: "LIFE-03",
        part: "rules.codes",
        summary: "Any code that was ever sent to the account is accepted on any of its challenges.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(SpentCodesOpenOtherChallenges::default());
            parts
        },
    },
    KnownBad {
        slug: "invalidate-on-first-failure",
        requirement: "LIFE-04",
        part: "rules.attempts",
        summary: "Any wrong guess deletes the code.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(InvalidateOnFirstFailure);
            parts
        },
    },
    KnownBad {
        slug: "challenge-survives-password-change",
        requirement: "LIFE-05",
        part: "rules.epochs",
        summary: "A pending challenge outlives a change of the password.",
        build: |mut parts| {
            parts.rules.epochs = Arc::new(Survives(&[Change::PasswordChanged]));
            parts
        },
    },
    KnownBad {
        slug: "challenge-survives-reset",
        requirement: "LIFE-05",
        part: "rules.epochs",
        summary: "A pending challenge outlives a reset of the password.",
        build: |mut parts| {
            parts.rules.epochs = Arc::new(Survives(&[Change::PasswordReset]));
            parts
        },
    },
    KnownBad {
        slug: "challenge-survives-toggle",
        requirement: "LIFE-05",
        part: "rules.epochs",
        summary: "A pending challenge outlives two-step verification being switched off and on.",
        build: |mut parts| {
            parts.rules.epochs = Arc::new(Survives(&[Change::TwoStepOff, Change::TwoStepOn]));
            parts
        },
    },
];

struct NoExpiryCheck;

impl CodeRules for NoExpiryCheck {
    fn expires_at(&self, challenge: &Challenge, settings: &Settings) -> Timestamp {
        challenge.created_at.plus_s(settings.challenge_max_s)
    }
}

struct CodeDiesEarly;

impl CodeRules for CodeDiesEarly {
    fn expires_at(&self, challenge: &Challenge, settings: &Settings) -> Timestamp {
        let half = Settings {
            code_ttl_s: settings.code_ttl_s / 2,
            ..settings.clone()
        };
        Standard.expires_at(challenge, &half)
    }
}

struct ExpiryOnlyInUi;

impl CodeRules for ExpiryOnlyInUi {
    fn matches(
        &self,
        account: &Account,
        challenge: &ChallengeId,
        submitted: &str,
        _now: Timestamp,
        _settings: &Settings,
    ) -> bool {
        let found = account.challenge(challenge);
        found.is_some_and(|challenge| challenge.code.as_ref().is_some_and(|code| code.is(&challenge.id, submitted)))
    }
}

struct GuessExtendsExpiry;

impl AttemptRules for GuessExtendsExpiry {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        if let Some(code) = account.challenge_mut(id).and_then(|challenge| challenge.code.as_mut()) {
            code.issued_at = now;
        }
        Standard.wrong(account, id, now, settings);
    }
}

struct LimitMovesWithResend;

impl CodeRules for LimitMovesWithResend {
    fn is_open(&self, challenge: &Challenge, now: Timestamp, settings: &Settings) -> bool {
        let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
        challenge.state == ChallengeState::Live && now < newest.plus_s(settings.challenge_max_s)
    }

    fn expires_at(&self, challenge: &Challenge, settings: &Settings) -> Timestamp {
        let newest = challenge.code.as_ref().map_or(challenge.created_at, |code| code.issued_at);
        newest.plus_s(settings.code_ttl_s)
    }
}

struct ResendRevivesExpiredChallenge;

impl CodeRules for ResendRevivesExpiredChallenge {
    fn is_open(&self, challenge: &Challenge, _now: Timestamp, _settings: &Settings) -> bool {
        challenge.state == ChallengeState::Live
    }
}

struct CodeNotConsumed;

impl CodeRules for CodeNotConsumed {
    fn redeem(&self, _challenge: &mut Challenge) {}
}

#[derive(Default)]
struct SpentCodesOpenOtherChallenges {
    sent: Mutex<HashMap<ChallengeId, Vec<String>>>,
}

impl CodeRules for SpentCodesOpenOtherChallenges {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.entry(challenge.id.clone()).or_default().push(code.to_owned());
        challenge.code = Some(StoredCode::new(&challenge.id, code, now));
    }

    fn matches(
        &self,
        account: &Account,
        _challenge: &ChallengeId,
        submitted: &str,
        _now: Timestamp,
        _settings: &Settings,
    ) -> bool {
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

impl AttemptRules for InvalidateOnFirstFailure {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        if let Some(challenge) = account.challenge_mut(id) {
            challenge.code = None;
        }
        Standard.wrong(account, id, now, settings);
    }
}

/// Challenges outlive these changes.
struct Survives(&'static [Change]);

impl EpochRules for Survives {
    fn void_challenges(&self, account: &mut Account, change: Change) {
        if !self.0.contains(&change) {
            account.void_challenges(|_| true);
        }
    }
}
