//! Guesses at codes: one too many, one too few, and counts that forget.

use std::sync::Arc;

use reference_server::account::{Account, ChallengeId, ChallengeState};
use reference_server::config::Config;
use reference_server::policy::{At, Guess, Policy, Standard};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "off-by-one-cap",
        requirement: "ATT-01",
        part: "policy",
        summary: "A challenge takes one guess more than declared.",
        build: |server| server.deps.policy = Arc::new(OffByOneCap),
    },
    KnownBad {
        slug: "last-guess-not-evaluated",
        requirement: "ATT-01",
        part: "policy",
        summary: "The last of the declared guesses is refused unseen.",
        build: |server| server.deps.policy = Arc::new(LastGuessNotEvaluated),
    },
    KnownBad {
        slug: "counter-per-challenge-only",
        requirement: "ATT-02",
        part: "policy",
        summary: "Wrong codes are counted in the challenge and nowhere else.",
        build: |server| server.deps.policy = Arc::new(CounterPerChallengeOnly),
    },
    KnownBad {
        slug: "resend-resets-counter",
        requirement: "ATT-02",
        part: "policy",
        summary: "A new code brings new guesses.",
        build: |server| server.deps.policy = Arc::new(ResendResetsCounter),
    },
    KnownBad {
        slug: "ip-only-limit",
        requirement: "ATT-02",
        part: "policy",
        summary: "Only the source address is limited, so that guesses from many addresses never end.",
        build: |server| server.deps.policy = Arc::new(IpOnlyLimit),
    },
    KnownBad {
        slug: "hourly-window-forgets",
        requirement: "ATT-03",
        part: "policy",
        summary: "Wrong codes are forgotten with their window, so that slow guessing never ends.",
        build: |server| server.deps.policy = Arc::new(HourlyWindowForgets),
    },
    KnownBad {
        slug: "codes-stay-off",
        requirement: "ATT-03",
        part: "policy",
        summary: "Once codes are off, the owner cannot get them working again.",
        build: |server| server.deps.policy = Arc::new(CodesStayOff),
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

impl Policy for OffByOneCap {
    fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
        let config = with_cap(at.config, at.config.attempts_per_challenge + 1);
        Standard.reserve_guess(account, id, At { config: &config, ..at })
    }

    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        let config = with_cap(at.config, at.config.attempts_per_challenge + 1);
        Standard.wrong_code(account, id, At { config: &config, ..at });
    }
}

struct LastGuessNotEvaluated;

impl Policy for LastGuessNotEvaluated {
    fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
        let config = with_cap(at.config, at.config.attempts_per_challenge - 1);
        Standard.reserve_guess(account, id, At { config: &config, ..at })
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

impl Policy for CounterPerChallengeOnly {
    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        spent_at_cap(account, id, at.config);
    }
}

struct ResendResetsCounter;

impl Policy for ResendResetsCounter {
    fn count_send(&self, account: &mut Account, challenge: &ChallengeId, at: At<'_>) {
        Standard.count_send(account, challenge, at);
        if let Some(challenge) = account.challenge_mut(challenge) {
            challenge.attempts = 0;
        }
    }
}

struct IpOnlyLimit;

impl Policy for IpOnlyLimit {
    fn guess(&self, account: &mut Account, _id: &ChallengeId, _at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
        if right(account) { Guess::Right } else { Guess::Wrong }
    }
}

struct HourlyWindowForgets;

impl Policy for HourlyWindowForgets {
    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        Standard.wrong_code(account, id, at);
        account.codes.off = false;
    }
}

struct CodesStayOff;

impl Policy for CodesStayOff {
    fn restore_owner(&self, account: &mut Account) {
        let off = account.codes.off;
        Standard.restore_owner(account);
        account.codes.off = off;
    }
}
