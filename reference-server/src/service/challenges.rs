//! A pending challenge between the steps: read, resent, switched, given up, listed, denied.

use super::audit::AuditContext;
use super::delivery::Dispatch;
use super::problem::RETRY_SOON;
use super::{ChallengeView, PendingRow, Problem, Service};
use crate::account::{Account, Challenge, ChallengeId, Method, Outcome};
use crate::policy::At;
use crate::policy::delivery::email_rests;
use crate::policy::devices::deny;

impl Service {
    /// The state of a challenge, for its holder.
    pub async fn challenge(&self, handle: &str) -> Result<ChallengeView, Problem> {
        self.with_open(handle, |account, challenge, at| {
            Ok(self.challenge_view(account, &challenge, None, at))
        })
        .await
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
        let (id, ..) = self.find_challenge(handle).await?;
        let (view, dispatch) = self
            .with_open(handle, |account, challenge, at| {
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
        self.with_open(handle, |account, challenge, at| {
            account.void_challenges(|other| other.id == challenge.id);
            let context = AuditContext::of_challenge(account, &challenge);
            self.record(account, at, context, Outcome::SecondStepCancelled, None);
            Ok(())
        })
        .await
    }

    /// The account's pending challenges, for a signed-in device.
    pub async fn pending(&self, access: &str) -> Result<Vec<PendingRow>, Problem> {
        let policy = self.policy();
        self.in_session(access, |account, _, at| {
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
        self.in_session(access, |account, session, at| {
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
            self.record(account, at, context, Outcome::SignInDenied, None);
            Ok(())
        })
        .await
    }

    /// Finds the open challenge of a handle and runs one atomic change on it.
    async fn with_open<R: Send>(
        &self,
        handle: &str,
        mut change: impl FnMut(&mut Account, Challenge, At<'_>) -> Result<R, Problem> + Send,
    ) -> Result<R, Problem> {
        let (id, challenge, _) = self.find_challenge(handle).await?;
        let (at, policy) = (self.at(), self.policy());
        let found = self.deps().store.transact(&id, |account| {
            let open = account
                .challenge(&challenge)
                .filter(|challenge| policy.challenge_is_open(challenge, at));
            let challenge = open.cloned().ok_or(Problem::ChallengeNotLive)?;
            change(account, challenge, at)
        });
        found.await.unwrap_or(Err(Problem::ChallengeNotLive))
    }
}
