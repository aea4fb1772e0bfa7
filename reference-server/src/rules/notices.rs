//! What the owner is told, and where.

use super::{Standard, TrustRules};
use crate::account::{Account, DeviceId, PendingSignIn, Timestamp};
use crate::config::Config;
use crate::ports::Recipient;

/// What the owner should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A device signed in by its second step.
    NewDevice,
    /// A right password was not followed by a second step.
    PendingSignIn,
    /// A trust credential came that had been replaced: somebody holds a copy (DEV-06).
    TrustCopied,
    /// A device was removed.
    DeviceRemoved,
    /// Two-step verification was switched on.
    TwoStepOn,
    /// Two-step verification was switched off.
    TwoStepOff,
    /// The password was changed.
    PasswordChanged,
    /// The password was reset by mail.
    PasswordReset,
    /// Somebody tried to create an account with this address.
    AddressTaken,
}

/// What the owner is told, and where.
pub trait NoticeRules: Send + Sync {
    /// Everybody who is told: the registered address and the trusted devices that can receive a push, except the device the
    /// event is about or that brought it about (NOTE-02, NOTE-03).
    fn recipients(
        &self,
        account: &Account,
        _event: Event,
        about: Option<&DeviceId>,
        now: Timestamp,
        config: &Config,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let others = account.devices.iter().filter(|device| Some(&device.id) != about);
        let trusted = others.filter(|device| device.trust.as_ref().is_some_and(|held| !trust.lapsed(held, now, config)));
        let pushes = trusted.filter_map(|device| device.push_token.clone()).map(Recipient::Push);
        std::iter::once(Recipient::Email(account.email.clone()))
            .chain(pushes)
            .collect()
    }

    /// The second steps that have been left alone for long enough to tell the owner, once for all of them (NOTE-01). They
    /// leave the account's list.
    fn overdue(&self, account: &mut Account, now: Timestamp, config: &Config) -> Vec<PendingSignIn> {
        let due = |incomplete: &PendingSignIn| now >= incomplete.since.plus_s(config.incomplete_notice_s);
        if !account.pending_sign_ins.iter().any(due) {
            return Vec::new();
        }
        std::mem::take(&mut account.pending_sign_ins)
    }
}

impl NoticeRules for Standard {}
