//! Accounts: created, their password changed, seeded, switched off.

use std::net::IpAddr;

use super::audit::AuditContext;
use super::hashers::Lane;
use super::transact::Effects;
use super::{Problem, Service};
use crate::account::{Account, AccountId, Outcome, Status};
use crate::policy::identifiers::normalise;
use crate::policy::passwords::acceptable;
use crate::policy::{Change, Event};

impl Service {
    /// Creates an account. The answer is the same when the address is taken; its owner is told.
    pub async fn create_account(&self, email: &str, password: String) -> Result<(), Problem> {
        let email = normalise(email);
        let email = email.ok_or_else(|| Problem::InvalidRequest("email: not an address".to_owned()))?;
        self.acceptable(&password, &email)?;
        // Hashed in both cases, so that time does not tell them apart.
        let hash = self.hash_password(Lane::Stranger, &email, password).await?;
        let two_step = self.policy().two_step_by_default();
        let account = Account::new(AccountId::random(), email.clone(), hash, two_step);
        if self.deps().store.insert(account).await? {
            return Ok(());
        }
        if let Some(id) = self.deps().store.by_email(&email).await? {
            let at = self.at();
            let tell = |account: &mut Account, effects: &mut Effects| {
                let notice = self.notice(account, Event::AddressTaken, None, &AuditContext::unknown(), at);
                effects.notices.push(notice);
            };
            self.transact(&id, tell).await?;
        }
        Ok(())
    }

    /// Keeps this account, in place of the one that has its address.
    pub(crate) async fn put_account(&self, account: Account) -> Result<(), Problem> {
        let store = &self.deps().store;
        let Some(taken) = store.by_email(&account.email).await? else {
            store.insert(account).await?;
            return Ok(());
        };
        let replace = |old: &mut Account, _: &mut Effects| {
            *old = Account {
                id: old.id.clone(),
                ..account.clone()
            };
        };
        self.transact(&taken, replace).await?;
        Ok(())
    }

    /// Switches an account off, or on again; `false` when there is none.
    pub async fn set_status(&self, email: &str, status: Status) -> Result<bool, Problem> {
        let Some(email) = normalise(email) else {
            return Ok(false);
        };
        let Some(id) = self.deps().store.by_email(&email).await? else {
            return Ok(false);
        };
        let changed = self.transact(&id, |account, _| {
            account.status = status;
            if status == Status::Disabled {
                self.policy().revoke(account, Change::Disabled, None);
            }
        });
        Ok(changed.await?.is_some())
    }

    /// Changes the password in a session.
    pub async fn change_password(&self, source: IpAddr, access: &str, current: String, new: String) -> Result<(), Problem> {
        self.prove(source, access, current).await?;
        let email = self.read_session(access, |account, _, _| Ok(account.email.clone())).await?;
        self.acceptable(&new, &email)?;
        let hash = self.hash_password(Lane::Proven, &email, new).await?;
        self.change_session(access, |account, session, at, effects| {
            let device = account.session(session).map(|session| session.device.clone());
            let context = AuditContext::of_session(account, session, None);
            // Worded before the others lose their trust, so that they hear of it.
            let notice = self.notice(account, Event::PasswordChanged, device.as_ref(), &context, at);
            effects.notices.push(notice);
            account.password_hash.clone_from(&hash);
            self.policy().revoke(account, Change::PasswordChanged, device.as_ref());
            effects.record(account, at, context, Outcome::PasswordChanged, None);
            Ok(())
        })
        .await
    }

    /// Whether this password may be chosen.
    pub(super) fn acceptable(&self, password: &str, email: &str) -> Result<(), Problem> {
        acceptable(password, email, self.config()).map_err(Problem::PasswordUnacceptable)
    }
}
