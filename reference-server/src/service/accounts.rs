//! Accounts: created, their password changed, seeded, switched off.

use std::net::IpAddr;

use super::{Problem, Service};
use crate::domain::{Account, AccountId, Status};
use crate::rules::Change;

/// Bytes a password has at most: hashing is slow, so its input is bounded.
pub(super) const PASSWORD_MOST: usize = 1024;

impl Service {
    /// Creates an account. The answer is the same when the address is taken; its owner is told.
    pub async fn create_account(&self, email: &str, password: String) -> Result<(), Problem> {
        let email = self.parts().rules.identifiers.normalise(email);
        let email = email.ok_or_else(|| Problem::InvalidRequest("email: not an address".to_owned()))?;
        self.acceptable(&password)?;
        // Hashed in both cases, so that time does not tell them apart.
        let hash = self.hash_password(password).await;
        let two_step = self.parts().rules.setting.on_by_default();
        let account = Account::new(AccountId::random(), email.clone(), hash, two_step);
        if !self.parts().store.insert(account).await
            && let Some(id) = self.parts().store.by_email(&email).await
        {
            let text = "Somebody tried to create an account with this address. You have one already.".to_owned();
            self.notify(&id, &email, "You already have an account", text).await;
        }
        Ok(())
    }

    /// Switches an account off, or on again; `false` when there is none.
    pub async fn set_status(&self, email: &str, status: Status) -> bool {
        let Some(email) = self.parts().rules.identifiers.normalise(email) else {
            return false;
        };
        let Some(id) = self.parts().store.by_email(&email).await else {
            return false;
        };
        let changed = self.parts().store.transact(&id, |account| {
            account.status = status;
            if status == Status::Disabled {
                self.parts().rules.epochs.changed(account, Change::Disabled, None);
            }
        });
        changed.await.is_some()
    }

    /// Changes the password in a session.
    pub async fn change_password(&self, source: IpAddr, access: &str, current: String, new: String) -> Result<(), Problem> {
        self.prove(source, access, current).await?;
        self.acceptable(&new)?;
        let hash = self.hash_password(new).await;
        let (email, id) = self
            .in_session(access, |account, session, _| {
                let device = account.session(session).map(|session| session.device.clone());
                account.password_hash.clone_from(&hash);
                self.parts()
                    .rules
                    .epochs
                    .changed(account, Change::PasswordChanged, device.as_ref());
                Ok((account.email.clone(), account.id.clone()))
            })
            .await?;
        let text = "Your password was changed. Other devices were signed out and need a code again.".to_owned();
        self.notify(&id, &email, "Your password was changed", text).await;
        Ok(())
    }

    /// Length is all that is asked of a password (NIST SP 800-63B-4 §3.1.1.2).
    pub(super) fn acceptable(&self, password: &str) -> Result<(), Problem> {
        let least = self.settings().password_min;
        if password.chars().count() < least {
            return Err(Problem::PasswordUnacceptable(format!(
                "a password has at least {least} characters"
            )));
        }
        if password.len() > PASSWORD_MOST {
            return Err(Problem::PasswordUnacceptable(format!(
                "a password has at most {PASSWORD_MOST} bytes"
            )));
        }
        Ok(())
    }
}
