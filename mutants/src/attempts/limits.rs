//! Limits that do not end, end too early, tell the right code, or are cleared by the wrong success.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reference_server::domain::{Account, AccountId, ChallengeId, ChallengeState, Timestamp};
use reference_server::rules::{AttemptRules, Guess, SourceEvent, SourceRules, Standard, Typist};
use reference_server::settings::Settings;

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "permanent-lock",
        requirement: "ATT-07",
        part: "rules.attempts",
        summary: "A lock has no end.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(PermanentLock);
            parts
        },
    },
    KnownBad {
        slug: "lock-extended-by-every-try",
        requirement: "ATT-07",
        part: "rules.attempts",
        summary: "Each try during a lock starts it anew.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(LockExtendedByEveryTry);
            parts
        },
    },
    KnownBad {
        slug: "fixed-window-double-burst",
        requirement: "ATT-07",
        part: "rules.attempts",
        summary: "Guesses are counted in fixed windows, so that twice the limit fits around an edge.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(FixedWindowDoubleBurst);
            parts
        },
    },
    KnownBad {
        slug: "match-before-limit",
        requirement: "ATT-08",
        part: "rules.attempts",
        summary: "The code is compared first, and limits apply to wrong ones only.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(MatchBeforeLimit);
            parts
        },
    },
    KnownBad {
        slug: "limit-tells-the-right-code",
        requirement: "ATT-08",
        part: "rules.attempts",
        summary: "At a limit the right code is refused in other words than a wrong one.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(LimitTellsTheRightCode);
            parts
        },
    },
    KnownBad {
        slug: "password-ok-clears-code-failures",
        requirement: "ATT-09",
        part: "rules.attempts",
        summary: "A right password clears the count of wrong codes.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(PasswordClearsCodeFailures);
            parts
        },
    },
    KnownBad {
        slug: "any-success-clears-every-account",
        requirement: "ATT-09",
        part: "rules.attempts",
        summary: "A completed sign-in to one account clears the count of wrong codes of all others.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(AnySuccessClearsEveryAccount::default());
            parts
        },
    },
    KnownBad {
        slug: "own-success-refills-the-source",
        requirement: "ATT-09",
        part: "rules.sources",
        summary: "A right password of any account clears the failures of the address.",
        build: |mut parts| {
            parts.rules.sources = Arc::new(OwnSuccessRefillsTheSource);
            parts
        },
    },
];

struct PermanentLock;

impl AttemptRules for PermanentLock {
    fn locked_until(&self, account: &Account, now: Timestamp, settings: &Settings) -> Option<Timestamp> {
        let lapsed = account.codes.locked_until.map(|_| now.plus_s(settings.lock_s));
        Standard.locked_until(account, now, settings).or(lapsed)
    }
}

struct LockExtendedByEveryTry;

impl AttemptRules for LockExtendedByEveryTry {
    fn guess(
        &self,
        account: &mut Account,
        id: &ChallengeId,
        now: Timestamp,
        settings: &Settings,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        let guess = Standard.guess(account, id, now, settings, right);
        if let Guess::Locked(_) = guess {
            account.codes.locked_until = Some(now.plus_s(settings.lock_s));
        }
        guess
    }
}

struct FixedWindowDoubleBurst;

impl AttemptRules for FixedWindowDoubleBurst {
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) {
        let opened = account.codes.recent.first();
        if opened.is_some_and(|opened| opened.plus_s(settings.window_s) <= now) {
            account.codes.recent = vec![now];
        }
        Standard.wrong(account, id, now, settings);
    }
}

struct MatchBeforeLimit;

impl AttemptRules for MatchBeforeLimit {
    fn guess(
        &self,
        account: &mut Account,
        id: &ChallengeId,
        now: Timestamp,
        settings: &Settings,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        if right(account) {
            return Guess::Right;
        }
        stay_live(Standard.guess(account, id, now, settings, right), account, id)
    }
}

struct LimitTellsTheRightCode;

impl AttemptRules for LimitTellsTheRightCode {
    fn guess(
        &self,
        account: &mut Account,
        id: &ChallengeId,
        now: Timestamp,
        settings: &Settings,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        let matches = right(account);
        match stay_live(Standard.guess(account, id, now, settings, right), account, id) {
            Guess::Locked(_) if matches => Guess::Exhausted,
            Guess::Exhausted if matches => Guess::Locked(now.plus_s(settings.lock_s)),
            guess => guess,
        }
    }
}

/// A challenge whose guesses are spent is asked again, so that the limit and not its state refuses.
fn stay_live(guess: Guess, account: &mut Account, id: &ChallengeId) -> Guess {
    if let Some(challenge) = account.challenge_mut(id)
        && challenge.state == ChallengeState::Exhausted
    {
        challenge.state = ChallengeState::Live;
    }
    guess
}

struct PasswordClearsCodeFailures;

impl AttemptRules for PasswordClearsCodeFailures {
    fn password_was_right(&self, account: &mut Account, _typist: Typist<'_>) {
        account.codes = Default::default();
    }
}

/// One count of successes for all accounts, and what it was when each account was last guessed at.
#[derive(Default)]
struct AnySuccessClearsEveryAccount {
    successes: AtomicU64,
    seen: Mutex<HashMap<AccountId, u64>>,
}

impl AttemptRules for AnySuccessClearsEveryAccount {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) -> bool {
        let successes = self.successes.load(Ordering::Relaxed);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(account.id.clone(), successes) != Some(successes) {
            account.codes = Default::default();
        }
        Standard.reserve(account, id, now, settings)
    }

    fn second_step_completed(&self, account: &mut Account) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        Standard.second_step_completed(account);
    }
}

struct OwnSuccessRefillsTheSource;

impl SourceRules for OwnSuccessRefillsTheSource {
    fn note(&self, failures: &mut VecDeque<Timestamp>, event: SourceEvent, now: Timestamp) {
        match event {
            SourceEvent::Failure => failures.push_back(now),
            SourceEvent::Success => failures.clear(),
        }
    }
}
