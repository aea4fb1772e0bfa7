//! Wrong codes and wrong passwords of an account.

use crate::account::{Account, PasswordFailures, Timestamp};

/// What comes of a guess at a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    Right,
    Wrong,
    /// The account takes no codes until this moment; the guess was not looked at.
    Locked(Timestamp),
    /// The challenge takes no more guesses; the guess was not looked at.
    Exhausted,
}

/// Who types a password, and where.
#[derive(Clone, Copy, Debug)]
pub struct PasswordAttempt<'a> {
    /// The device holds a valid trust credential, or a session of a trusted device.
    pub trusted: bool,
    /// The identifier as typed.
    pub typed: &'a str,
    /// The password is typed within a session (ATT-11).
    pub in_session: bool,
}

/// Trusted devices are counted apart, so that nobody else's failures keep the owner out (ATT-04, ATT-06).
pub(super) fn password_failures(account: &mut Account, trusted: bool) -> &mut PasswordFailures {
    if trusted {
        &mut account.trusted_passwords
    } else {
        &mut account.passwords
    }
}

/// A completed sign-in resets the count of wrong passwords of its own kind (ATT-09).
pub fn sign_in_completed(account: &mut Account, trusted: bool) {
    *password_failures(account, trusted) = PasswordFailures::default();
}
