//! How often anybody may guess. The limits bind devices without trust only, so that nobody locks the owner out (ATT-06).

use super::Standard;
use crate::account::{Account, ChallengeId, ChallengeState, PasswordFailures, Timestamp};
use crate::config::Config;

/// What comes of a guess at a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// It is the code.
    Right,
    /// It is not.
    Wrong,
    /// The account takes no codes until this moment; the guess was not looked at.
    Locked(Timestamp),
    /// The challenge takes no more guesses; the guess was not looked at.
    Exhausted,
}

/// Who types a password.
#[derive(Clone, Copy, Debug)]
pub struct PasswordAttempt<'a> {
    /// The device holds a valid trust credential, or a session of a trusted device.
    pub trusted: bool,
    /// The identifier as typed.
    pub typed: &'a str,
    /// The password is typed within a session (ATT-11).
    pub in_session: bool,
}

/// How often anybody may guess.
pub trait AttemptRules: Send + Sync {
    /// Until when the account takes no codes. Attempts during a lock do not move its end (ATT-07). Codes that are off stay
    /// off until the owner restores them, whatever time passes (ATT-03).
    fn locked_until(&self, account: &Account, now: Timestamp, config: &Config) -> Option<Timestamp> {
        if account.codes.off {
            return Some(now.plus_s(config.lock_s));
        }
        account.codes.locked_until.filter(|end| now < *end)
    }

    /// One guess: locked and spent states are told first, then an attempt is reserved, and only then is the code compared.
    /// Comparing first would let a right code through a limit (ATT-08), or two guesses through one attempt (ATT-01).
    fn guess(
        &self,
        account: &mut Account,
        id: &ChallengeId,
        now: Timestamp,
        config: &Config,
        right: &dyn Fn(&Account) -> bool,
    ) -> Guess {
        if let Some(end) = self.locked_until(account, now, config) {
            return Guess::Locked(end);
        }
        if !self.reserve(account, id, now, config) {
            return Guess::Exhausted;
        }
        if right(account) {
            return Guess::Right;
        }
        self.wrong(account, id, now, config);
        Guess::Wrong
    }

    /// Counts the attempt before it is looked at; `false` when the challenge takes no more (ATT-01). The account's count
    /// goes over all its challenges, methods, devices and addresses (ATT-02).
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) -> bool {
        let Some(challenge) = account.challenge_mut(id) else {
            return false;
        };
        if challenge.attempts >= config.attempts_per_challenge {
            return false;
        }
        challenge.attempts += 1;
        account.codes.recent.push(now);
        account.codes.in_a_row += 1;
        true
    }

    /// What a wrong guess brings about: the challenge spent, the account locked, codes off. The right code stays usable
    /// below the cap (LIFE-04).
    fn wrong(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, config: &Config) {
        if let Some(challenge) = account.challenge_mut(id)
            && challenge.attempts >= config.attempts_per_challenge
        {
            challenge.state = ChallengeState::Exhausted;
        }
        let start = now.minus_s(config.window_s);
        account.codes.recent.retain(|at| *at > start);
        // After a lock the window still holds its guesses, so that one more wrong code locks again: no double burst (ATT-07).
        if account.codes.recent.len() >= config.account_wrong_limit as usize {
            account.codes.locked_until = Some(now.plus_s(config.lock_s));
        }
        if account.codes.in_a_row >= config.account_consecutive_max {
            account.codes.off = true;
        }
    }

    /// A completed second step resets the count of wrong codes: nothing less does (ATT-09).
    fn second_step_completed(&self, account: &mut Account) {
        account.codes = Default::default();
    }

    /// A right password by itself resets nothing (ATT-09).
    fn password_was_right(&self, _account: &mut Account, _typist: PasswordAttempt<'_>) {}

    /// A completed sign-in resets the count of wrong passwords of its own kind (ATT-09).
    fn sign_in_completed(&self, account: &mut Account, trusted: bool) {
        *failures(account, trusted) = PasswordFailures::default();
    }

    /// When a password may be tried again; `None` when it may now. Trusted devices have a count of their own (ATT-04,
    /// ATT-06), and every place that takes a password shares it (ATT-11). After as many in a row as codes take, only a new
    /// password helps, however slowly they came (ATT-04).
    fn password_blocked(
        &self,
        account: &mut Account,
        attempt: PasswordAttempt<'_>,
        now: Timestamp,
        config: &Config,
    ) -> Option<Timestamp> {
        let start = now.minus_s(config.window_s);
        let failures = failures(account, attempt.trusted);
        failures.recent.retain(|at| *at > start);
        if failures.in_a_row >= config.account_consecutive_max {
            return Some(now.plus_s(config.lock_s));
        }
        let limit = config.account_wrong_limit as usize;
        let first = failures.recent.len().checked_sub(limit)?;
        failures.recent.get(first).map(|at| at.plus_s(config.window_s))
    }

    /// Counts a wrong password.
    fn password_was_wrong(&self, account: &mut Account, attempt: PasswordAttempt<'_>, now: Timestamp) {
        let failures = failures(account, attempt.trusted);
        failures.recent.push(now);
        failures.in_a_row += 1;
    }
}

fn failures(account: &mut Account, trusted: bool) -> &mut PasswordFailures {
    if trusted {
        &mut account.trusted_passwords
    } else {
        &mut account.passwords
    }
}

impl AttemptRules for Standard {}
