//! Telling the owner what happened. A notice leaves after the change it tells of is kept, in the background: whether it arrives
//! changes nothing for the caller (NOTE-03, IDEM-02), and one that does not is tried again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Service;
use super::audit::AuditContext;
use crate::account::{Account, AccountId, DeviceId, Outcome, Timestamp};
use crate::policy::{At, Event, notices};
use crate::ports::{DeliveryError, Message, MessageContent};
use crate::sync::lock;

/// Messages under way in the background at most; further ones are dropped, and the log says so.
const UNDER_WAY: usize = 4096;

/// Pauses before a message is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// What is to be sent in the background, and who is to be told when.
pub(super) struct Outbox {
    room: Arc<Semaphore>,
    due: Mutex<BTreeSet<(Timestamp, AccountId)>>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(UNDER_WAY)),
            due: Mutex::default(),
        }
    }
}

impl Outbox {
    pub(super) fn clear(&self) {
        lock(&self.due).clear();
    }
}

/// Messages for one account, ready to leave.
pub(super) struct Notice {
    account: AccountId,
    messages: Vec<Message>,
}

impl Service {
    /// Words a notice; `about` is the device it tells of, which does not get it.
    pub(super) fn notice(
        &self,
        account: &Account,
        event: Event,
        about: Option<&DeviceId>,
        context: &AuditContext,
        at: At<'_>,
    ) -> Notice {
        let (subject, text) = words(event, context, at.now);
        let recipients = notices::recipients(self.policy(), account, about, at);
        let content = MessageContent::Notice {
            subject: subject.to_owned(),
            text,
        };
        let outgoing = |to| Message {
            to,
            content: content.clone(),
        };
        Notice {
            account: account.id.clone(),
            messages: recipients.into_iter().map(outgoing).collect(),
        }
    }

    /// Sends a notice in the background.
    pub(super) fn enqueue(&self, notice: Notice) {
        for message in notice.messages {
            self.enqueue_message(notice.account.clone(), message);
        }
    }

    /// Sends one message in the background, again if it must be.
    pub(super) fn enqueue_message(&self, account: AccountId, message: Message) {
        let Ok(room) = Arc::clone(&self.inner.outbox.room).try_acquire_owned() else {
            tracing::warn!("too many messages are under way, one is dropped");
            return;
        };
        let service = self.clone();
        tokio::spawn(async move {
            let mut pauses = AGAIN_AFTER.iter();
            loop {
                match service.deliver(&account, &message).await {
                    Ok(()) | Err(DeliveryError::Unregistered | DeliveryError::NoProvider) => break,
                    Err(DeliveryError::Refused(_) | DeliveryError::TimedOut) => {}
                }
                match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => break,
                }
            }
            drop(room);
        });
    }

    /// A second step was begun: look after a while whether it was completed.
    pub(super) fn schedule_abandoned_notice(&self, account: &AccountId, at: At<'_>) {
        let due = at.now.plus_s(at.config.incomplete_notice_s);
        lock(&self.inner.outbox.due).insert((due, account.clone()));
    }

    /// Tells the owners of second steps that were begun and left alone (NOTE-01). To be called every now and then.
    pub async fn send_due_notices(&self) {
        let at = self.at();
        loop {
            let next = {
                let mut due = lock(&self.inner.outbox.due);
                match due.first() {
                    Some((moment, _)) if *moment <= at.now => due.pop_first(),
                    _ => None,
                }
            };
            let Some((moment, id)) = next else { return };
            let told = self.transact(&id, |account, effects| {
                let mut last = None;
                for begun in notices::take_overdue(account, at) {
                    let context = AuditContext {
                        device_name: begun.device_name,
                        place: begun.place,
                        address: begun.address,
                    };
                    effects.record(account, at, context.clone(), Outcome::SecondStepAbandoned, None);
                    last = Some((context, begun.since));
                }
                if let Some((context, since)) = last {
                    let notice = self.notice(account, Event::SignInAbandoned, None, &context, At { now: since, ..at });
                    effects.notices.push(notice);
                }
            });
            if told.await.is_err() {
                // Nothing is lost: it is due, and is tried again.
                lock(&self.inner.outbox.due).insert((moment, id));
                return;
            }
        }
    }
}

fn words(event: Event, context: &AuditContext, at: Timestamp) -> (&'static str, String) {
    let AuditContext { device_name, place, .. } = context;
    let advice = "If this was not you, change your password and remove devices that you do not know from your trusted devices.";
    let (subject, what) = match event {
        Event::NewDevice => (
            "new device signed in",
            format!(
                "A new device signed in to your account.\n\nDevice: {device_name}\nPlace: {place}\nTime: {at}\n\nIf you do not \
                 know it, remove it from your trusted devices and change your password."
            ),
        ),
        Event::SignInAbandoned => (
            "sign-in not completed",
            format!(
                "Somebody gave the right password of your account and did not complete the second step.\n\nDevice: \
                 {device_name}\nPlace: {place}\nTime: {at}\n\nIf this was not you, somebody knows your password: change it."
            ),
        ),
        Event::TrustCopied => (
            "a trusted device was copied",
            format!(
                "A device presented a trust credential that had been used before, so there is a copy of it. Trust and sessions \
                 of that device have ended.\n\nDevice: {device_name}\nPlace: {place}\nTime: {at}\n\n{advice}"
            ),
        ),
        Event::DeviceRemoved => (
            "device removed",
            format!("The device {device_name} was removed from your account at {at}.\n\n{advice}"),
        ),
        Event::TwoStepOn => (
            "two-step verification is on",
            format!("Two-step verification was switched on at {at}.\n\n{advice}"),
        ),
        Event::TwoStepOff => (
            "two-step verification is off",
            format!("Two-step verification was switched off at {at}, by the device {device_name}.\n\n{advice}"),
        ),
        Event::PasswordChanged => (
            "password changed",
            format!(
                "Your password was changed at {at}, by the device {device_name}. All other devices were signed out and need a \
                 code again.\n\n{advice}"
            ),
        ),
        Event::PasswordReset => (
            "password reset",
            format!("Your password was reset by email at {at}. All sessions have ended.\n\n{advice}"),
        ),
        Event::AddressTaken => (
            "you already have an account",
            format!("Somebody tried to create an account with your address at {at}. You have one already; nothing was changed."),
        ),
    };
    (subject, what)
}
