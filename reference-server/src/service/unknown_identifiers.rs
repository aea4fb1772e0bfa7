//! Wrong passwords for names that nobody has. They are counted and limited just as for an account, so that a limit that sets
//! in does not tell that there is one (ENUM-01).

use std::sync::Arc;

use super::{Problem, Service};
use crate::account::{Account, AccountId, PasswordFailures, Timestamp};
use crate::policy::PasswordAttempt;
use crate::ports::{CounterKey, Failures};

/// What the policy decides about such a name on: an account that has no password, and this count.
fn as_an_account(name: &str, failures: &Failures) -> Account {
    let mut account = Account::new(AccountId::random(), name.to_owned(), Arc::from(""), true);
    account.passwords = PasswordFailures {
        recent: failures.recent.iter().copied().collect(),
        in_a_row: failures.in_a_row,
    };
    account
}

impl Service {
    /// When a password for this name may be tried again; `None` when it may now.
    pub(super) async fn unknown_blocked(&self, name: &str, attempt: PasswordAttempt<'_>) -> Result<Option<Timestamp>, Problem> {
        let key = CounterKey::UnknownIdentifier(name.to_owned());
        let failures = self.deps().counters.read(&key).await?;
        let mut account = as_an_account(name, &failures);
        Ok(self.policy().password_blocked(&mut account, attempt, self.at()))
    }

    /// Counts a wrong password for this name.
    pub(super) async fn unknown_was_wrong(&self, name: &str, attempt: PasswordAttempt<'_>) -> Result<(), Problem> {
        let (key, at) = (CounterKey::UnknownIdentifier(name.to_owned()), self.at());
        let mut note = |failures: &mut Failures| {
            let mut account = as_an_account(name, failures);
            self.policy().password_was_wrong(&mut account, attempt, at);
            let PasswordFailures { recent, in_a_row } = account.passwords;
            *failures = Failures {
                recent: recent.into(),
                in_a_row,
            };
        };
        Ok(self.deps().counters.change(&key, &mut note).await?)
    }
}
