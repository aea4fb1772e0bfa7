//! Wrong passwords for names that nobody has. They are counted and limited just as for an account, so that a limit that sets
//! in does not tell that there is one (ENUM-01).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::account::{Account, AccountId};
use crate::policy::At;

/// Names that are remembered at most.
const NAMES: usize = 10_000;

/// An account for each name that nobody has, with no password and nothing else but its count.
#[derive(Debug, Default)]
pub(super) struct UnknownIdentifierThrottle {
    names: Mutex<HashMap<String, Account>>,
}

impl UnknownIdentifierThrottle {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides something about a name, as if it had an account.
    pub(super) fn transact<R>(&self, name: &str, decide: impl FnOnce(&mut Account) -> R) -> R {
        let mut names = self.lock();
        if names.len() >= NAMES && !names.contains_key(name) {
            // Whoever fills this has a budget for its address; that one of the names starts afresh helps nobody.
            let any = names.keys().next().cloned();
            any.and_then(|any| names.remove(&any));
        }
        let stranger = names
            .entry(name.to_owned())
            .or_insert_with(|| Account::new(AccountId::random(), name.to_owned(), Arc::from(""), true));
        let decided = decide(stranger);
        if stranger.passwords.in_a_row == 0 {
            names.remove(name);
        }
        decided
    }

    pub(super) fn sweep(&self, at: At<'_>) {
        let start = at.now.minus_s(at.config.window_s);
        self.lock()
            .retain(|_, stranger| stranger.passwords.recent.iter().any(|failed_at| *failed_at > start));
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }
}
