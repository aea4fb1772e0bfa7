//! Guesses at codes: one too many, one too few, and counts that forget.

use std::sync::Arc;

use reference_server::domain::{Account, ChallengeId, ChallengeState, Timestamp};
use reference_server::rules::{AttemptRules, EpochRules, Guess, SendRules, Standard};
use reference_server::settings::Settings;

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "off-by-one-cap",
        requirement: "ATT-01",
        part: "rules.attempts",
        summary: "A challenge takes one guess more than declared.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(OffByOneCap);
            parts
        },
    },
    KnownBad {
        slug: "last-guess-not-evaluated",
        requirement: "ATT-01",
        part: "rules.attempts",
        summary: "The last of the declared guesses is refused unseen.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(LastGuessNotEvaluated);
            parts
        },
    },
    KnownBad {
        slug: "counter-per-challenge-only",
        requirement: "ATT-02",
        part: "rules.attempts",
        summary: "Wrong codes are counted in the challenge and nowhere else.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(CounterPerChallengeOnly);
            parts
        },
    },
    KnownBad {
        slug: "resend-resets-counter",
        requirement: "ATT-02",
        part: "rules.sends",
        summary: "A new code brings new guesses.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(ResendResetsCounter);
            parts
        },
    },
    KnownBad {
        slug: "ip-only-limit",
        requirement: "ATT-02",
        part: "rules.attempts",
        summary: "Only the source address is limited, so that guesses from many addresses never end.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(IpOnlyLimit);
            parts
        },
    },
    KnownBad {
        slug: "hourly-window-forgets",
        requirement: "ATT-03",
        part: "rules.attempts",
        summary: "Wrong codes are forgotten with their window, so that slow guessing never ends.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(HourlyWindowForgets);
            parts
        },
    },
    KnownBad {
        slug: "codes-stay-off",
        requirement: "ATT-03",
        part: "rules.epochs",
        summary: "Once codes are off, the owner cannot get them working again.",
        build: |mut parts| {
            parts.rules.epochs = Arc::new(CodesStayOff);
            parts
        },
    },
];

/// Settings with so many guesses at a challenge.
fn with_cap(settings: &Settings, attempts_per_challenge: u32) -> Settings {
    Settings {
        attempts_per_challenge,
        ..settings.clone()
    }
}

struct OffByOneCap;

impl AttemptRules for OffByOneCap {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) -> bool {
        Standard.reserve(account, id, now, &with_cap(settings, settings.attempts_per_challenge + 1))
    }

    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        Standard.wrong(account, id, now, &with_cap(settings, settings.attempts_per_challenge + 1));
    }
}

struct LastGuessNotEvaluated;

impl AttemptRules for LastGuessNotEvaluated {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) -> bool {
        Standard.reserve(account, id, now, &with_cap(settings, settings.attempts_per_challenge - 1))
    }
}

/// Marks the challenge spent at its cap, as the reference does, and counts nothing for the account.
fn spent_at_cap(account: &mut Account, id: &ChallengeId, settings: &Settings) {
    if let Some(challenge) = account.challenge_mut(id)
        && challenge.attempts >= settings.attempts_per_challenge
    {
        challenge.state = ChallengeState::Exhausted;
    }
}

struct CounterPerChallengeOnly;

impl AttemptRules for CounterPerChallengeOnly {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, _now: Timestamp, settings: &Settings) {
        spent_at_cap(account, id, settings);
    }
}

struct ResendResetsCounter;

impl SendRules for ResendResetsCounter {
    fn sent(&self, account: &mut Account, challenge: &ChallengeId, now: Timestamp) {
        Standard.sent(account, challenge, now);
        if let Some(challenge) = account.challenge_mut(challenge) {
            challenge.attempts = 0;
        }
    }
}

struct IpOnlyLimit;

impl AttemptRules for IpOnlyLimit {
    fn guess(
        &self,
        account: &mut Account,
        _id: &ChallengeId,
        _now: Timestamp,
        _settings: &Settings,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        if right(account) { Guess::Right } else { Guess::Wrong }
    }
}

struct HourlyWindowForgets;

impl AttemptRules for HourlyWindowForgets {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        Standard.wrong(account, id, now, settings);
        account.codes.off = false;
    }
}

struct CodesStayOff;

impl EpochRules for CodesStayOff {
    fn restore(&self, account: &mut Account) {
        let off = account.codes.off;
        Standard.restore(account);
        account.codes.off = off;
    }
}
