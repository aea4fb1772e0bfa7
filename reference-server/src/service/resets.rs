//! Password resets by mail.

use super::hashers::Lane;
use super::record::Scene;
use super::{Problem, Service};
use crate::domain::{Outcome, Reset, TokenHash};
use crate::parts::{Message, MessageContent, Recipient, TokenKind};
use crate::rules::{Change, Event, Occasion};

impl Service {
    /// Mails a reset token, if there is such an account; the caller is not told, and does not wait for the mail (ENUM-04).
    pub async fn request_reset(&self, email: &str) -> Result<(), Problem> {
        let Some(email) = self.parts().rules.identifiers.normalise(email) else {
            return Ok(());
        };
        let Some(id) = self.parts().store.by_email(&email).await else {
            return Ok(());
        };
        let token = self.parts().tokens.draw(TokenKind::Reset);
        let (now, settings, rules) = (self.now(), self.settings(), &self.parts().rules);
        let expires_at = now.plus_s(settings.reset_ttl_s);
        let issued = self.parts().store.transact(&id, |account| {
            let may = rules.resets.may_request(account, now, settings);
            if may {
                let token = TokenHash::of(&token);
                rules.resets.issue(account, Reset { token, expires_at }, now);
            }
            may
        });
        if issued.await.unwrap_or(false) {
            let to = Recipient::Email(email);
            let content = MessageContent::Reset { token, expires_at };
            self.send_later(id, Message { to, content });
        }
        Ok(())
    }

    /// Sets a new password with a mailed token, which is spent by it. It opens no session (SIGN-05, PWD-06).
    pub async fn complete_reset(&self, token: &str, new: String) -> Result<(), Problem> {
        let presented = TokenHash::of(token);
        let (store, rules) = (&self.parts().store, &self.parts().rules);
        let id = store.by_token(&presented).await.ok_or(Problem::ResetNotLive)?;
        let now = self.now();
        let found = store.transact(&id, |account| {
            let live = |reset: &Reset| reset.token == presented && now < reset.expires_at;
            let lane = if account.resets.iter().any(live) {
                Lane::Proven
            } else {
                Lane::Stranger
            };
            (account.email.clone(), lane)
        });
        let (email, lane) = found.await.ok_or(Problem::ResetNotLive)?;
        self.acceptable(&new, &email, Occasion::Reset)?;
        let hash = self.hash_password(lane, &email, new).await?;
        let now = self.now();
        let done = store.transact(&id, |account| {
            if !rules.resets.redeem(account, &presented, now) {
                return Err(Problem::ResetNotLive);
            }
            account.password_hash.clone_from(&hash);
            account.email_rests_until = rules.resets.email_rests_until(now, self.settings());
            rules.epochs.changed(account, Change::PasswordReset, None);
            let scene = Scene::unknown();
            self.record(account, now, scene.clone(), Outcome::PasswordReset, None);
            Ok(self.notice(account, Event::PasswordReset, None, &scene, now))
        });
        self.tell(done.await.unwrap_or(Err(Problem::ResetNotLive))?);
        Ok(())
    }
}
