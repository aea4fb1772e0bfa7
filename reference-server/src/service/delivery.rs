//! Handing messages over, after the change that caused them is kept and before the answer is given.

use std::time::Duration;

use futures_util::future::join_all;

use super::Service;
use crate::account::{Account, AccountId, Challenge, ChallengeId};
use crate::policy::At;
use crate::ports::{DeliveryError, Message, MessageContent, Recipient};

/// A code on its way: for one challenge, to everyone who gets it.
pub(super) struct Dispatch {
    pub(super) challenge: ChallengeId,
    pub(super) messages: Vec<Message>,
}

impl Dispatch {
    /// The code for each recipient, worded alike.
    pub(super) fn code(service: &Service, challenge: &Challenge, code: &str, recipients: Vec<Recipient>, at: At<'_>) -> Self {
        let content = MessageContent::Code {
            code: code.to_owned(),
            challenge: challenge.id.clone(),
            expires_at: service.policy().code_expires_at(challenge, at),
            device_name: challenge.device_name.clone(),
            place: challenge
                .place
                .clone()
                .unwrap_or_else(|| super::views::UNKNOWN_PLACE.to_owned()),
            at: challenge.sent_at,
        };
        let messages = recipients
            .into_iter()
            .map(|to| Message {
                to,
                content: content.clone(),
            })
            .collect();
        Self {
            challenge: challenge.id.clone(),
            messages,
        }
    }
}

impl Service {
    /// Hands over every message of a dispatch at once; `true` when at least one was taken. A provider that hangs does not
    /// hold the answer beyond the declared time (DLVR-07).
    pub(super) async fn dispatch(&self, account: &AccountId, dispatch: &Dispatch) -> bool {
        let taken = join_all(dispatch.messages.iter().map(|message| self.deliver(account, message))).await;
        let any = taken.iter().any(Result::is_ok);
        if !any {
            self.give_back(account, &dispatch.challenge).await;
        }
        any
    }

    /// Hands one message over; a registration that the provider no longer knows is forgotten (DLVR-08).
    pub(super) async fn deliver(&self, account: &AccountId, message: &Message) -> Result<(), DeliveryError> {
        // What is left of the declared time is for the rest of the request.
        let limit = Duration::from_secs(self.config().delivery_answer_s).mul_f64(0.9);
        let outcome = tokio::time::timeout(limit, self.deps().mailer.send(message)).await;
        let outcome = outcome.unwrap_or(Err(DeliveryError::TimedOut));
        self.metrics().sent(message, &outcome);
        if let Err(error) = &outcome {
            tracing::warn!(%error, "a message was not handed over");
            if let (DeliveryError::Unregistered, Recipient::Push(token)) = (error, &message.to) {
                self.forget_registration(account, token).await;
            }
        }
        outcome
    }

    /// A send that reached nobody does not start a cool-down, so that the other method can be tried at once (METH-02).
    async fn give_back(&self, account: &AccountId, challenge: &ChallengeId) {
        let cooldown = self.config().resend_cooldown_s;
        self.mend(account, |account| {
            if let Some(challenge) = account.challenge_mut(challenge) {
                challenge.sent_at = challenge.sent_at.minus_s(cooldown);
            }
        })
        .await;
    }

    async fn forget_registration(&self, account: &AccountId, token: &str) {
        self.mend(account, |account| {
            for device in account
                .devices
                .iter_mut()
                .filter(|device| device.push_token.as_deref() == Some(token))
            {
                device.push_token = None;
            }
        })
        .await;
    }

    /// Sets something right after a delivery. The answer does not depend on it, and the log tells when it fails.
    async fn mend(&self, account: &AccountId, mut change: impl FnMut(&mut Account) + Send) {
        // A failure was logged where it became a problem.
        let _ = self.transact(account, |account, _| change(account)).await;
    }
}
