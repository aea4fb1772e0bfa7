//! Password resets by mail.

use super::{Problem, Service};
use crate::domain::{Reset, TokenHash};
use crate::parts::{Outgoing, Parcel, Recipient, TokenKind};
use crate::rules::Change;

/// Resets an account has under way at most; the oldest leaves.
const RESETS_MOST: usize = 3;

impl Service {
    /// Mails a reset token, if there is such an account; the caller is not told.
    pub async fn request_reset(&self, email: &str) -> Result<(), Problem> {
        let Some(email) = self.parts().rules.identifiers.normalise(email) else {
            return Ok(());
        };
        let Some(id) = self.parts().store.by_email(&email).await else {
            return Ok(());
        };
        let token = self.parts().tokens.draw(TokenKind::Reset);
        let expires_at = self.now().plus_s(self.settings().reset_ttl_s);
        self.parts()
            .store
            .transact(&id, |account| {
                account.resets.push(Reset {
                    token: TokenHash::of(&token),
                    expires_at,
                });
                let surplus = account.resets.len().saturating_sub(RESETS_MOST);
                account.resets.drain(..surplus);
            })
            .await;
        self.deliver(
            &id,
            &Outgoing {
                to: Recipient::Email(email),
                parcel: Parcel::Reset { token, expires_at },
            },
        )
        .await;
        Ok(())
    }

    /// Sets a new password with a mailed token, which is spent by it. It opens no session (SIGN-05).
    pub async fn complete_reset(&self, token: &str, new: String) -> Result<(), Problem> {
        let presented = TokenHash::of(token);
        let id = self.parts().store.by_token(&presented).await.ok_or(Problem::ResetNotLive)?;
        self.acceptable(&new)?;
        let hash = self.hash_password(new).await;
        let now = self.now();
        let done = self.parts().store.transact(&id, |account| {
            let live = account
                .resets
                .iter()
                .any(|reset| reset.token == presented && now < reset.expires_at);
            if !live {
                return Err(Problem::ResetNotLive);
            }
            account.resets.clear();
            account.password_hash.clone_from(&hash);
            self.parts().rules.epochs.changed(account, Change::PasswordReset, None);
            Ok(account.email.clone())
        });
        let email = done.await.unwrap_or(Err(Problem::ResetNotLive))?;
        self.notify(
            &id,
            &email,
            "Your password was reset",
            "Your password was reset. All sessions have ended.".to_owned(),
        )
        .await;
        Ok(())
    }
}
