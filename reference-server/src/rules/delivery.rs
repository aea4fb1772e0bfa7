//! Who gets a code, and how.

use super::{Standard, TrustRules};
use crate::domain::{Account, Challenge, Method, Timestamp};
use crate::parts::Recipient;
use crate::settings::Settings;

/// Who gets a code, and how.
pub trait DeliveryRules: Send + Sync {
    /// Devices that can receive a code now: trusted and registered (METH-07). Never the device that asks: its
    /// registration waits in the challenge until it is verified.
    fn push_recipients(
        &self,
        account: &Account,
        _challenge: Option<&Challenge>,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let standing = account
            .devices
            .iter()
            .filter(|device| device.trust.as_ref().is_some_and(|held| !trust.lapsed(held, now, settings)));
        standing
            .filter_map(|device| device.push_token.clone())
            .map(Recipient::Push)
            .collect()
    }

    /// Push first, whenever some device can receive it (METH-01); else email at once (METH-02, METH-05).
    fn first_method(&self, account: &Account, now: Timestamp, settings: &Settings, trust: &dyn TrustRules) -> Option<Method> {
        let push =
            settings.methods.contains(&Method::Push) && !self.push_recipients(account, None, now, settings, trust).is_empty();
        if push {
            Some(Method::Push)
        } else {
            self.may_switch(Method::Email, settings).then_some(Method::Email)
        }
    }

    /// Whether the challenge may change to this method. One that is switched off is refused, not just hidden (METH-06).
    fn may_switch(&self, method: Method, settings: &Settings) -> bool {
        settings.methods.contains(&method)
    }

    /// Who gets the code: with push the trusted devices, with email the registered address and no other (METH-03). Never
    /// both at once (METH-01).
    fn recipients(
        &self,
        account: &Account,
        challenge: &Challenge,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        match challenge.method {
            Method::Push => self.push_recipients(account, Some(challenge), now, settings, trust),
            Method::Email => vec![Recipient::Email(account.email.clone())],
        }
    }
}

impl DeliveryRules for Standard {}
