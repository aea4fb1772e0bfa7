//! Password resets by mail.

use super::audit::AuditContext;
use super::hashers::Lane;
use super::{Problem, Service};
use crate::account::{Outcome, Reset, TokenHash};
use crate::policy::identifiers::normalise;
use crate::policy::{Change, Event, resets};
use crate::ports::{Message, MessageContent, Recipient, TokenKind};

impl Service {
    /// Mails a reset token, if there is such an account; the caller is not told, and does not wait for the mail (ENUM-04).
    pub async fn request_reset(&self, email: &str) -> Result<(), Problem> {
        let Some(email) = normalise(email) else {
            return Ok(());
        };
        let Some(id) = self.deps().store.by_email(&email).await? else {
            return Ok(());
        };
        let token = self.deps().tokens.draw(TokenKind::Reset);
        let at = self.at();
        let expires_at = at.now.plus_s(at.config.reset_ttl_s);
        let issued = self.transact(&id, |account, _| {
            let may = resets::may_request(account, at);
            if may {
                let token = TokenHash::of(&token);
                resets::issue(account, Reset { token, expires_at }, at);
            }
            may
        });
        if issued.await?.unwrap_or(false) {
            let to = Recipient::Email(email);
            let content = MessageContent::Reset { token, expires_at };
            self.enqueue_message(id, Message { to, content });
        }
        Ok(())
    }

    /// Sets a new password with a mailed token, which is spent by it. It opens no session (SIGN-05, PWD-06).
    pub async fn complete_reset(&self, token: &str, new: String) -> Result<(), Problem> {
        let presented = TokenHash::of(token);
        let id = self.deps().store.by_token(&presented).await?.ok_or(Problem::ResetNotLive)?;
        let at = self.at();
        let found = self.load(&id).await?.ok_or(Problem::ResetNotLive)?;
        let lane = if resets::is_live(&found, &presented, at) {
            Lane::Proven
        } else {
            Lane::Stranger
        };
        let email = &found.email;
        self.acceptable(&new, email)?;
        let hash = self.hash_password(lane, email, new).await?;
        let at = self.at();
        let done = self.transact(&id, |account, effects| {
            if !resets::redeem(account, &presented, at) {
                return Err(Problem::ResetNotLive);
            }
            account.password_hash.clone_from(&hash);
            account.email_rests_until = resets::email_rests_until(at);
            self.policy().revoke(account, Change::PasswordReset, None);
            let context = AuditContext::unknown();
            effects.record(account, at, context.clone(), Outcome::PasswordReset, None);
            let notice = self.notice(account, Event::PasswordReset, None, &context, at);
            effects.notices.push(notice);
            Ok(())
        });
        done.await?.unwrap_or(Err(Problem::ResetNotLive))
    }
}
