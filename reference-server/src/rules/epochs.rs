//! What ends when the account's security changes under it.

use super::Standard;
use crate::account::{Account, DeviceId, PasswordFailures};

/// A change of the account's security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The password was changed in a session.
    PasswordChanged,
    /// The password was reset by mail.
    PasswordReset,
    /// Two-step verification was switched on.
    TwoStepOn,
    /// Two-step verification was switched off.
    TwoStepOff,
    /// The account was switched off.
    Disabled,
}

/// What ends.
pub trait EpochRules: Send + Sync {
    /// Everything that rests on the state before. `acting` is the device whose session made the change, which stays.
    fn changed(&self, account: &mut Account, change: Change, acting: Option<&DeviceId>) {
        self.void_challenges(account, change);
        match change {
            Change::PasswordChanged => {
                // Whoever has the old password loses what it opened: other sessions and other trust (PWD-05).
                account.end_sessions(|session| Some(&session.device) != acting);
                for device in account.devices.iter_mut().filter(|device| Some(&device.id) != acting) {
                    device.trust = None;
                }
                account.resets.clear();
                self.restore(account);
            }
            Change::PasswordReset => {
                // Trust stays: else a stolen mailbox could first remove the push factor and then receive the code (PWD-07).
                account.end_sessions(|_| true);
                self.restore(account);
            }
            Change::TwoStepOn => self.end_untrusted_sessions(account, acting),
            Change::TwoStepOff => {}
            Change::Disabled => {
                // Nothing of it is of use to anybody any more, and nothing comes back when it is switched on again (PRIV-03).
                account.end_sessions(|_| true);
                for device in &mut account.devices {
                    device.trust = None;
                }
                account.resets.clear();
                account.pending_sign_ins.clear();
            }
        }
    }

    /// A pending challenge dies with the state it was opened under (LIFE-05).
    fn void_challenges(&self, account: &mut Account, _change: Change) {
        account.void_challenges(|_| true);
    }

    /// Sessions from the off period end, trusted devices' and the acting one's aside (TOGL-03).
    fn end_untrusted_sessions(&self, account: &mut Account, acting: Option<&DeviceId>) {
        let trusted: Vec<DeviceId> = account
            .devices
            .iter()
            .filter(|device| device.trust.is_some())
            .map(|device| device.id.clone())
            .collect();
        account.end_sessions(|session| Some(&session.device) != acting && !trusted.contains(&session.device));
    }

    /// The owner has shown up: codes work again (ATT-03), and the count of wrong passwords of the old password is void.
    fn restore(&self, account: &mut Account) {
        account.codes = Default::default();
        account.passwords = PasswordFailures::default();
        account.trusted_passwords = PasswordFailures::default();
    }
}

impl EpochRules for Standard {}
