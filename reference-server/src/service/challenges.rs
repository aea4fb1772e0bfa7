//! A pending challenge between the steps: read, resent, switched, given up, listed, denied.

use super::audit::AuditContext;
use super::delivery::Dispatch;
use super::{ChallengeView, PendingRow, Problem, Service};
use crate::account::{Account, Challenge, ChallengeId, Method, Outcome, Timestamp};

impl Service {
    /// The state of a challenge, for its holder.
    pub async fn challenge(&self, handle: &str) -> Result<ChallengeView, Problem> {
        self.with_open(handle, |account, challenge, now| {
            Ok(self.challenge_view(account, &challenge, None, now))
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
            .with_open(handle, |account, challenge, now| {
                let method = method.unwrap_or(challenge.method);
                self.reissue(account, challenge, method, now)
            })
            .await?;
        // A success means that a message was handed over (RSND-01).
        if self.dispatch(&id, &dispatch).await {
            Ok(view)
        } else {
            Err(Problem::DeliveryFailed(1))
        }
    }

    /// All limits first; then the new code takes the old one's place (RSND-02, RSND-03).
    fn reissue(
        &self,
        account: &mut Account,
        challenge: Challenge,
        method: Method,
        now: Timestamp,
    ) -> Result<(ChallengeView, Dispatch), Problem> {
        let (config, rules) = (self.config(), &self.deps().rules);
        let rests = method == Method::Email && rules.delivery.email_rests(account, now, config, rules.trust.as_ref());
        if rests || !rules.delivery.may_switch(method, config) {
            return Err(Problem::MethodUnavailable);
        }
        rules
            .sends
            .may_send(account, &challenge, now, config)
            .map_err(|reason| Problem::not_now(reason, now))?;
        let id = challenge.id.clone();
        let recipients = {
            let wanted = Challenge { method, ..challenge };
            rules.delivery.recipients(account, &wanted, now, config, rules.trust.as_ref())
        };
        if recipients.is_empty() {
            return Err(Problem::MethodUnavailable);
        }
        let code = self.draw_code(account, now);
        let stored = account.challenge_mut(&id).ok_or(Problem::ChallengeNotLive)?;
        stored.method = method;
        rules.codes.issue(stored, &code, now);
        rules.sends.sent(account, &id, now);
        let stored = account.challenge(&id).ok_or(Problem::ChallengeNotLive)?;
        Ok((
            self.challenge_view(account, stored, None, now),
            Dispatch::code(self, stored, &code, recipients),
        ))
    }

    /// Gives up the holder's own challenge.
    pub async fn cancel(&self, handle: &str) -> Result<(), Problem> {
        self.with_open(handle, |account, challenge, now| {
            account.void_challenges(|other| other.id == challenge.id);
            let context = AuditContext::of_challenge(account, &challenge);
            self.record(account, now, context, Outcome::SecondStepCancelled, None);
            Ok(())
        })
        .await
    }

    /// The account's pending challenges, for a signed-in device.
    pub async fn pending(&self, access: &str) -> Result<Vec<PendingRow>, Problem> {
        let (config, rules) = (self.config(), &self.deps().rules);
        self.in_session(access, |account, _, now| {
            let open = account
                .challenges
                .iter()
                .filter(|challenge| rules.codes.is_open(challenge, now, config));
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
                    expires_at: rules.codes.expires_at(challenge, config),
                })
                .collect())
        })
        .await
    }

    /// Denies a pending challenge, from a trusted device of its account.
    pub async fn deny(&self, access: &str, challenge: &ChallengeId) -> Result<(), Problem> {
        self.in_session(access, |account, session, now| {
            let device = account.session(session).and_then(|session| account.device(&session.device));
            if !device.is_some_and(|device| self.is_trusted(device, now)) {
                return Err(Problem::TrustedDeviceRequired);
            }
            let (config, rules) = (self.config(), &self.deps().rules);
            let found = account.challenge(challenge).cloned();
            let denied = found
                .filter(|challenge| rules.codes.is_open(challenge, now, config))
                .ok_or(Problem::NotFound)?;
            rules.devices.deny(account, challenge);
            let context = AuditContext::of_challenge(account, &denied);
            // The owner knows.
            account.pending_sign_ins.retain(|begun| begun.challenge != *challenge);
            self.record(account, now, context, Outcome::SignInDenied, None);
            Ok(())
        })
        .await
    }

    /// Finds the open challenge of a handle and runs one atomic change on it.
    async fn with_open<R: Send>(
        &self,
        handle: &str,
        mut change: impl FnMut(&mut Account, Challenge, Timestamp) -> Result<R, Problem> + Send,
    ) -> Result<R, Problem> {
        let (id, challenge, _) = self.find_challenge(handle).await?;
        let (now, config, rules) = (self.now(), self.config(), &self.deps().rules);
        let found = self.deps().store.transact(&id, |account| {
            let open = account
                .challenge(&challenge)
                .filter(|challenge| rules.codes.is_open(challenge, now, config));
            let challenge = open.cloned().ok_or(Problem::ChallengeNotLive)?;
            change(account, challenge, now)
        });
        found.await.unwrap_or(Err(Problem::ChallengeNotLive))
    }
}
