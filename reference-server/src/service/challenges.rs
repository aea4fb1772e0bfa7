//! A pending challenge between the steps: read, resent, switched, given up, listed, denied.

use std::sync::Arc;

use super::audit::AuditContext;
use super::delivery::Dispatch;
use super::problem::RETRY_SOON;
use super::transact::Effects;
use super::{ChallengeView, PendingRow, Problem, Service};
use crate::account::{Account, AccountId, Challenge, ChallengeId, Method, Outcome, TokenHash};
use crate::policy::At;
use crate::policy::delivery::email_rests;
use crate::policy::devices::deny;

impl Service {
    /// The state of a challenge, for its holder.
    pub async fn challenge(&self, handle: &str) -> Result<ChallengeView, Problem> {
        let (account, id) = self.find_challenge(handle).await?;
        let at = self.at();
        let challenge = self.open_challenge_of(&account, &id, at)?;
        Ok(self.challenge_view(&account, challenge, None, at))
    }

    /// Another code, the same way.
    pub async fn resend(&self, handle: &str) -> Result<ChallengeView, Problem> {
        self.send_again(handle, None).await
    }

    /// Another code, another way. Attempts are kept (METH-04).
    pub async fn switch_method(&self, handle: &str, method: Method) -> Result<ChallengeView, Problem> {
        self.send_again(handle, Some(method)).await
    }

    async fn send_again(&self, handle: &str, method: Option<Method>) -> Result<ChallengeView, Problem> {
        let (id, (view, dispatch)) = self
            .change_challenge(handle, |account, challenge, at, _| {
                let method = method.unwrap_or(challenge.method);
                self.reissue(account, challenge, method, at)
            })
            .await?;
        // A success means that a message was handed over (RSND-01).
        if self.dispatch(&id, &dispatch).await {
            Ok(view)
        } else {
            Err(Problem::DeliveryFailed { retry_after: RETRY_SOON })
        }
    }

    /// All limits first; then the new code takes the old one's place (RSND-02, RSND-03).
    fn reissue(
        &self,
        account: &mut Account,
        challenge: Challenge,
        method: Method,
        at: At<'_>,
    ) -> Result<(ChallengeView, Dispatch), Problem> {
        let policy = self.policy();
        let rests = method == Method::Email && email_rests(policy, account, at);
        if rests || !policy.may_use(method, at) {
            return Err(Problem::MethodUnavailable);
        }
        policy.may_send(account, &challenge, at)?;
        let id = challenge.id.clone();
        let recipients = policy.code_recipients(account, &Challenge { method, ..challenge }, at);
        if recipients.is_empty() {
            return Err(Problem::MethodUnavailable);
        }
        let code = self.draw_code(account, at);
        let stored = account.challenge_mut(&id).ok_or(Problem::ChallengeNotLive)?;
        stored.method = method;
        policy.issue_code(stored, &code, at);
        policy.count_send(account, &id, at);
        let stored = account.challenge(&id).ok_or(Problem::ChallengeNotLive)?;
        Ok((
            self.challenge_view(account, stored, None, at),
            Dispatch::code(self, stored, &code, recipients, at),
        ))
    }

    /// Gives up the holder's own challenge.
    pub async fn cancel(&self, handle: &str) -> Result<(), Problem> {
        self.change_challenge(handle, |account, challenge, at, effects| {
            account.void_challenges(|other| other.id == challenge.id);
            let context = AuditContext::of_challenge(account, &challenge);
            effects.record(account, at, context, Outcome::SecondStepCancelled, None);
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// The account's pending challenges, for a signed-in device.
    pub async fn pending(&self, access: &str) -> Result<Vec<PendingRow>, Problem> {
        let policy = self.policy();
        self.read_session(access, |account, _, at| {
            let open = account
                .challenges
                .iter()
                .filter(|challenge| policy.challenge_is_open(challenge, at));
            Ok(open
                .map(|challenge| PendingRow {
                    id: challenge.id.clone(),
                    device_name: challenge.device_name.clone(),
                    place: challenge
                        .place
                        .clone()
                        .unwrap_or_else(|| super::views::UNKNOWN_PLACE.to_owned()),
                    method: challenge.method,
                    created_at: challenge.created_at,
                    expires_at: policy.code_expires_at(challenge, at),
                })
                .collect())
        })
        .await
    }

    /// Denies a pending challenge, from a trusted device of its account.
    pub async fn deny(&self, access: &str, challenge: &ChallengeId) -> Result<(), Problem> {
        self.change_session(access, |account, session, at, effects| {
            let device = account.session(session).and_then(|session| account.device(&session.device));
            if !device.is_some_and(|device| self.is_trusted(device, at)) {
                return Err(Problem::TrustedDeviceRequired);
            }
            let policy = self.policy();
            let found = account.challenge(challenge).cloned();
            let denied = found
                .filter(|challenge| policy.challenge_is_open(challenge, at))
                .ok_or(Problem::NotFound)?;
            deny(account, challenge);
            let context = AuditContext::of_challenge(account, &denied);
            // The owner knows.
            account.pending_sign_ins.retain(|begun| begun.challenge != *challenge);
            effects.record(account, at, context, Outcome::SignInDenied, None);
            Ok(())
        })
        .await
    }

    /// The challenge, if it can still be used.
    pub(super) fn open_challenge_of<'a>(
        &self,
        account: &'a Account,
        id: &ChallengeId,
        at: At<'_>,
    ) -> Result<&'a Challenge, Problem> {
        let open = account
            .challenge(id)
            .filter(|challenge| self.policy().challenge_is_open(challenge, at));
        open.ok_or(Problem::ChallengeNotLive)
    }

    /// The account and challenge a handle belongs to.
    pub(super) async fn find_challenge(&self, handle: &str) -> Result<(Arc<Account>, ChallengeId), Problem> {
        let token = TokenHash::of(handle);
        let id = self.deps().store.by_token(&token).await?.ok_or(Problem::ChallengeNotLive)?;
        let account = self.load(&id).await?.ok_or(Problem::ChallengeNotLive)?;
        let held = account.challenges.iter().find(|challenge| challenge.handle == token);
        let challenge = held.ok_or(Problem::ChallengeNotLive)?.id.clone();
        Ok((account, challenge))
    }

    /// Finds the open challenge of a handle and runs one change on it.
    async fn change_challenge<R: Send>(
        &self,
        handle: &str,
        mut change: impl FnMut(&mut Account, Challenge, At<'_>, &mut Effects) -> Result<R, Problem> + Send,
    ) -> Result<(AccountId, R), Problem> {
        let (found, challenge) = self.find_challenge(handle).await?;
        let at = self.at();
        let changed = self.transact(&found.id, |account, effects| {
            let challenge = self.open_challenge_of(account, &challenge, at)?.clone();
            change(account, challenge, at, effects)
        });
        let changed = changed.await?.unwrap_or(Err(Problem::ChallengeNotLive))?;
        Ok((found.id.clone(), changed))
    }
}
