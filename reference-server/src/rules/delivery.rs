//! Who gets a code, and how.

use super::{Standard, TrustRules};
use crate::account::{Account, Challenge, Method, Timestamp};
use crate::config::Config;
use crate::ports::Recipient;

/// Who gets a code, and how.
pub trait DeliveryRules: Send + Sync {
    /// Devices that can receive a code now, each once: trusted and registered (METH-07). Never the device that asks: its
    /// registration waits in the challenge until it is verified, and one it held when it was trusted does not count.
    fn push_recipients(
        &self,
        account: &Account,
        challenge: Option<&Challenge>,
        now: Timestamp,
        config: &Config,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let standing = account
            .devices
            .iter()
            .filter(|device| device.trust.as_ref().is_some_and(|held| !trust.lapsed(held, now, config)));
        let asking = challenge.and_then(|challenge| challenge.push_token.as_deref());
        let mut tokens: Vec<&str> = standing.filter_map(|device| device.push_token.as_deref()).collect();
        tokens.retain(|token| Some(*token) != asking);
        tokens.sort_unstable();
        tokens.dedup();
        tokens.into_iter().map(|token| Recipient::Push(token.to_owned())).collect()
    }

    /// Push first, whenever some device can receive it (METH-01); else email at once (METH-02, METH-05).
    fn first_method(&self, account: &Account, now: Timestamp, config: &Config, trust: &dyn TrustRules) -> Option<Method> {
        let push = config.methods.contains(&Method::Push) && !self.push_recipients(account, None, now, config, trust).is_empty();
        if push {
            Some(Method::Push)
        } else {
            self.may_switch(Method::Email, config).then_some(Method::Email)
        }
    }

    /// As [`Self::first_method`], for a challenge whose device may itself hold the only registration: then email (METH-07).
    fn method_for(
        &self,
        account: &Account,
        challenge: &Challenge,
        now: Timestamp,
        config: &Config,
        trust: &dyn TrustRules,
    ) -> Option<Method> {
        let first = self.first_method(account, now, config, trust)?;
        let reached = |challenge| !self.push_recipients(account, challenge, now, config, trust).is_empty();
        if first == Method::Push && reached(None) && !reached(Some(challenge)) {
            return self.may_switch(Method::Email, config).then_some(Method::Email);
        }
        Some(first)
    }

    /// Whether email has to wait although it is switched on: for a time after a reset by email, where a trusted device can
    /// receive the code (PWD-07).
    fn email_rests(&self, account: &Account, now: Timestamp, config: &Config, trust: &dyn TrustRules) -> bool {
        account.email_rests_until.is_some_and(|until| now < until)
            && !self.push_recipients(account, None, now, config, trust).is_empty()
    }

    /// Whether the challenge may change to this method. One that is switched off is refused, not just hidden (METH-06).
    fn may_switch(&self, method: Method, config: &Config) -> bool {
        config.methods.contains(&method)
    }

    /// Who gets the code: with push the trusted devices, with email the registered address and no other (METH-03). Never
    /// both at once (METH-01).
    fn recipients(
        &self,
        account: &Account,
        challenge: &Challenge,
        now: Timestamp,
        config: &Config,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        match challenge.method {
            Method::Push => self.push_recipients(account, Some(challenge), now, config, trust),
            Method::Email => vec![Recipient::Email(account.email.clone())],
        }
    }
}

impl DeliveryRules for Standard {}
