//! What the owner is told, and where.

use super::{At, Policy};
use crate::account::{Account, Device, DeviceId, PendingSignIn};
use crate::ports::Recipient;

/// What the owner should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A device signed in by its second step.
    NewDevice,
    /// A right password was not followed by a second step.
    SignInAbandoned,
    /// A trust credential came that had been replaced: somebody holds a copy (DEV-06).
    TrustCopied,
    DeviceRemoved,
    TwoStepOn,
    TwoStepOff,
    PasswordChanged,
    PasswordReset,
    /// Somebody tried to create an account with this address.
    AddressTaken,
}

/// Everybody who is told: the registered address and the trusted devices that can receive a push, except the device the event
/// is about or that brought it about (NOTE-02, NOTE-03).
pub fn recipients(policy: &dyn Policy, account: &Account, about: Option<&DeviceId>, at: At<'_>) -> Vec<Recipient> {
    let told =
        |device: &&Device| Some(&device.id) != about && device.trust.as_ref().is_some_and(|held| !policy.trust_lapsed(held, at));
    let pushes = account
        .devices
        .iter()
        .filter(told)
        .filter_map(|device| device.push_token.clone());
    std::iter::once(Recipient::Email(account.email.clone()))
        .chain(pushes.map(Recipient::Push))
        .collect()
}

/// The second steps that have been left alone for long enough to tell the owner, once for all of them (NOTE-01). They leave
/// the account's list.
pub fn take_overdue(account: &mut Account, at: At<'_>) -> Vec<PendingSignIn> {
    let due = |pending: &PendingSignIn| at.now >= pending.since.plus_s(at.config.incomplete_notice_s);
    if !account.pending_sign_ins.iter().any(due) {
        return Vec::new();
    }
    std::mem::take(&mut account.pending_sign_ins)
}
