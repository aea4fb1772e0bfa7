//! Telling the owner what happened. A notice leaves after the change it tells of is kept, in the background: whether it arrives
//! changes nothing for the caller (NOTE-03, IDEM-02), and one that does not is tried again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Service;
use super::record::Scene;
use crate::domain::{Account, AccountId, DeviceId, Outcome, Timestamp};
use crate::parts::{DeliveryError, Message, MessageContent};
use crate::rules::Event;

/// Messages under way in the background at most; further ones are dropped, and the log says so.
const UNDER_WAY: usize = 4096;

/// Pauses before a message is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// What is to be sent in the background, and who is to be told when.
pub(super) struct Desk {
    room: Arc<Semaphore>,
    due: Mutex<BTreeSet<(Timestamp, AccountId)>>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(UNDER_WAY)),
            due: Mutex::default(),
        }
    }
}

impl Desk {
    fn due(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, AccountId)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clear(&self) {
        self.due().clear();
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
        scene: &Scene,
        now: Timestamp,
    ) -> Notice {
        let (settings, rules) = (self.settings(), &self.parts().rules);
        let (subject, text) = words(event, scene, now);
        let recipients = rules
            .notices
            .recipients(account, event, about, now, settings, rules.trust.as_ref());
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
    pub(super) fn tell(&self, notice: Notice) {
        for message in notice.messages {
            self.send_later(notice.account.clone(), message);
        }
    }

    /// Sends one message in the background, again if it must be.
    pub(super) fn send_later(&self, account: AccountId, message: Message) {
        let Ok(room) = Arc::clone(&self.inner.desk.room).try_acquire_owned() else {
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
    pub(super) fn look_again(&self, account: &AccountId, now: Timestamp) {
        let at = now.plus_s(self.settings().incomplete_notice_s);
        self.inner.desk.due().insert((at, account.clone()));
    }

    /// Tells the owners of second steps that were begun and left alone (NOTE-01). To be called every now and then.
    pub async fn remind(&self) {
        let now = self.now();
        loop {
            let next = {
                let mut due = self.inner.desk.due();
                match due.first() {
                    Some((at, _)) if *at <= now => due.pop_first(),
                    _ => None,
                }
            };
            let Some((_, id)) = next else { return };
            let overdue = self
                .parts()
                .store
                .transact(&id, |account| {
                    let overdue = self.parts().rules.notices.overdue(account, now, self.settings());
                    let mut last = None;
                    for begun in overdue {
                        let scene = Scene {
                            device_name: begun.device_name,
                            place: begun.place,
                            address: begun.address,
                        };
                        self.record(account, now, scene.clone(), Outcome::SecondStepAbandoned, None);
                        last = Some((scene, begun.since));
                    }
                    last.map(|(scene, since)| self.notice(account, Event::Incomplete, None, &scene, since))
                })
                .await
                .flatten();
            if let Some(notice) = overdue {
                self.tell(notice);
            }
        }
    }
}

fn words(event: Event, scene: &Scene, at: Timestamp) -> (&'static str, String) {
    let Scene { device_name, place, .. } = scene;
    let advice = "If this was not you, change your password and remove devices that you do not know from your trusted devices.";
    let (subject, what) = match event {
        Event::NewDevice => (
            "new device signed in",
            format!(
                "A new device signed in to your account.\n\nDevice: {device_name}\nPlace: {place}\nTime: {at}\n\nIf you do not \
                 know it, remove it from your trusted devices and change your password."
            ),
        ),
        Event::Incomplete => (
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
