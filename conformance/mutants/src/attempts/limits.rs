//! Limits that do not end, end too early, tell the right code, or are cleared by the wrong success.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use reference_server::account::{Account, AccountId, ChallengeId, ChallengeState, Timestamp};
use reference_server::policy::{At, Guess, PasswordAttempt, Policy, SourceEvent, Standard};

mutants! {
    /// A lock has no end.
    "permanent-lock" breaks "ATT-07": policy PermanentLock {
        fn codes_locked_until(&self, account: &Account, at: At<'_>) -> Option<Timestamp> {
            let lapsed = account.codes.locked_until.map(|_| at.now.plus_s(at.config.lock_s));
            Standard.codes_locked_until(account, at).or(lapsed)
        }
    }

    /// Each try during a lock starts it anew.
    "lock-extended-by-every-try" breaks "ATT-07": policy LockExtendedByEveryTry {
        fn guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
            let guess = Standard.guess(account, id, at, right);
            if let Guess::Locked(_) = guess {
                account.codes.locked_until = Some(at.now.plus_s(at.config.lock_s));
            }
            guess
        }
    }

    /// Guesses are counted in fixed windows, so that twice the limit fits around an edge.
    "fixed-window-double-burst" breaks "ATT-07": policy FixedWindowDoubleBurst {
        fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
            let opened = account.codes.recent.first();
            if opened.is_some_and(|opened| opened.plus_s(at.config.window_s) <= at.now) {
                account.codes.recent = vec![at.now];
            }
            Standard.wrong_code(account, id, at);
        }
    }

    /// The code is compared first, and limits apply to wrong ones only.
    "match-before-limit" breaks "ATT-08": policy MatchBeforeLimit {
        fn guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
            if right(account) {
                return Guess::Right;
            }
            stay_live(Standard.guess(account, id, at, right), account, id)
        }
    }

    /// At a limit the right code is refused in other words than a wrong one.
    "limit-tells-the-right-code" breaks "ATT-08": policy LimitTellsTheRightCode {
        fn guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
            let matches = right(account);
            match stay_live(Standard.guess(account, id, at, right), account, id) {
                Guess::Locked(_) if matches => Guess::Exhausted,
                Guess::Exhausted if matches => Guess::Locked(at.now.plus_s(at.config.lock_s)),
                guess => guess,
            }
        }
    }

    /// A right password clears the count of wrong codes.
    "password-ok-clears-code-failures" breaks "ATT-09": policy PasswordClearsCodeFailures {
        fn password_was_right(&self, account: &mut Account, _typist: PasswordAttempt<'_>) {
            account.codes = Default::default();
        }
    }

    /// A completed sign-in to one account clears the count of wrong codes of all others.
    "any-success-clears-every-account" breaks "ATT-09": policy = AnySuccessClearsEveryAccount::default();

    /// A right password of any account clears the failures of the address.
    "own-success-refills-the-source" breaks "ATT-09": policy OwnSuccessRefillsTheSource {
        fn count_source_event(&self, failures: &mut VecDeque<Timestamp>, event: SourceEvent, at: At<'_>) {
            match event {
                SourceEvent::Failure => failures.push_back(at.now),
                SourceEvent::Success => failures.clear(),
            }
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

/// One count of successes for all accounts, and what it was when each account was last guessed at.
#[derive(Default)]
struct AnySuccessClearsEveryAccount {
    successes: AtomicU64,
    seen: Mutex<HashMap<AccountId, u64>>,
}

impl Policy for AnySuccessClearsEveryAccount {
    fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
        let successes = self.successes.load(Ordering::Relaxed);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(account.id.clone(), successes) != Some(successes) {
            account.codes = Default::default();
        }
        Standard.reserve_guess(account, id, at)
    }

    fn second_step_completed(&self, account: &mut Account) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        Standard.second_step_completed(account);
    }
}
