//! Guesses at codes: one too many, one too few, and counts that forget.

use std::sync::Arc;

use reference_server::account::{Account, ChallengeId, ChallengeState, Timestamp};
use reference_server::config::Config;
use reference_server::rules::{AttemptRules, EpochRules, Guess, SendRules, Standard};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "off-by-one-cap",
        requirement: "ATT-01",
        part: "rules.attempts",
        summary: "A challenge takes one guess more than declared.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(OffByOneCap);
            deps
        },
    },
    KnownBad {
        slug: "last-guess-not-evaluated",
        requirement: "ATT-01",
        part: "rules.attempts",
        summary: "The last of the declared guesses is refused unseen.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(LastGuessNotEvaluated);
            deps
        },
    },
    KnownBad {
        slug: "counter-per-challenge-only",
        requirement: "ATT-02",
        part: "rules.attempts",
        summary: "Wrong codes are counted in the challenge and nowhere else.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(CounterPerChallengeOnly);
            deps
        },
    },
    KnownBad {
        slug: "resend-resets-counter",
        requirement: "ATT-02",
        part: "rules.sends",
        summary: "A new code brings new guesses.",
        build: |mut deps| {
            deps.rules.sends = Arc::new(ResendResetsCounter);
            deps
        },
    },
    KnownBad {
        slug: "ip-only-limit",
        requirement: "ATT-02",
        part: "rules.attempts",
        summary: "Only the source address is limited, so that guesses from many addresses never end.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(IpOnlyLimit);
            deps
        },
    },
    KnownBad {
        slug: "hourly-window-forgets",
        requirement: "ATT-03",
        part: "rules.attempts",
        summary: "Wrong codes are forgotten with their window, so that slow guessing never ends.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(HourlyWindowForgets);
            deps
        },
    },
    KnownBad {
        slug: "codes-stay-off",
        requirement: "ATT-03",
        part: "rules.epochs",
        summary: "Once codes are off, the owner cannot get them working again.",
        build: |mut deps| {
            deps.rules.epochs = Arc::new(CodesStayOff);
            deps
        },
    },
];

/// Config with so many guesses at a challenge.
fn with_cap(config: &Config, attempts_per_challenge: u32) -> Config {
    Config {
        attempts_per_challenge,
        ..config.clone()
    }
}

struct OffByOneCap;

impl AttemptRules for OffByOneCap {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) -> bool {
        Standard.reserve(account, id, now, &with_cap(config, config.attempts_per_challenge + 1))
    }

    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) {
        Standard.wrong(account, id, now, &with_cap(config, config.attempts_per_challenge + 1));
    }
}

struct LastGuessNotEvaluated;

impl AttemptRules for LastGuessNotEvaluated {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) -> bool {
        Standard.reserve(account, id, now, &with_cap(config, config.attempts_per_challenge - 1))
    }
}

/// Marks the challenge spent at its cap, as the reference does, and counts nothing for the account.
fn spent_at_cap(account: &mut Account, id: &ChallengeId, config: &Config) {
    if let Some(challenge) = account.challenge_mut(id)
        && challenge.attempts >= config.attempts_per_challenge
    {
        challenge.state = ChallengeState::Exhausted;
    }
}

struct CounterPerChallengeOnly;

impl AttemptRules for CounterPerChallengeOnly {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, _now: Timestamp, config: &Config) {
        spent_at_cap(account, id, config);
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
        _settings: &Config,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        if right(account) { Guess::Right } else { Guess::Wrong }
    }
}

struct HourlyWindowForgets;

impl AttemptRules for HourlyWindowForgets {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) {
        Standard.wrong(account, id, now, config);
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
