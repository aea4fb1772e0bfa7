//! The wrong method, or none, or no step at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reference_server::domain::{Account, Challenge, DeviceId, Method, Timestamp};
use reference_server::parts::{DeliveryError, Mailer, Message, MessageContent, Recipient};
use reference_server::rules::{Admission, DeliveryRules, DeviceRules, SignInFacts, SignInRules, Standard, TrustRules};
use reference_server::settings::Settings;

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "both-methods-at-once",
        requirement: "METH-01",
        part: "rules.delivery",
        summary: "A pushed code is always mailed as well.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(BothAtOnce);
            parts
        },
    },
    KnownBad {
        slug: "push-to-nobody",
        requirement: "METH-02",
        part: "rules.delivery",
        summary: "An account without a trusted device is told that its code was sent by push.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(PushToNobody);
            parts
        },
    },
    KnownBad {
        slug: "no-way-but-push",
        requirement: "METH-02",
        part: "rules.delivery",
        summary: "Once an account has a trusted device there is no way to have a code mailed.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(NoWayButPush);
            parts
        },
    },
    KnownBad {
        slug: "one-breaker-for-all-providers",
        requirement: "METH-02",
        part: "mailer",
        summary: "A push provider that fails takes the mail provider out of service with it.",
        build: |mut parts| {
            let inner = Arc::clone(&parts.mailer);
            parts.mailer = Arc::new(OneBreaker {
                inner,
                open: AtomicBool::new(false),
            });
            parts
        },
    },
    KnownBad {
        slug: "first-device-free-pass",
        requirement: "METH-05",
        part: "rules.sign_in",
        summary: "An account that trusts no device is signed in without a code.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(FreePass);
            parts
        },
    },
    KnownBad {
        slug: "free-pass-after-removal",
        requirement: "METH-05",
        part: "rules.sign_in",
        summary: "Whoever removed the last device is let in without a code, so as not to be locked out.",
        build: |mut parts| {
            let removed = Arc::new(AtomicBool::new(false));
            parts.rules.devices = Arc::new(Removing(Arc::clone(&removed)));
            parts.rules.sign_in = Arc::new(FreePassAfterRemoval(removed));
            parts
        },
    },
];

struct BothAtOnce;

impl DeliveryRules for BothAtOnce {
    fn recipients(
        &self,
        account: &Account,
        challenge: &Challenge,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let mut all = Standard.recipients(account, challenge, now, settings, trust);
        let mailbox = Recipient::Email(account.email.clone());
        if !all.contains(&mailbox) {
            all.push(mailbox);
        }
        all
    }
}

struct PushToNobody;

impl DeliveryRules for PushToNobody {
    fn first_method(&self, _: &Account, _: Timestamp, _: &Settings, _: &dyn TrustRules) -> Option<Method> {
        Some(Method::Push)
    }
}

struct NoWayButPush;

impl DeliveryRules for NoWayButPush {
    fn first_method(&self, account: &Account, now: Timestamp, settings: &Settings, trust: &dyn TrustRules) -> Option<Method> {
        Standard.first_method(account, now, settings, trust)
    }

    fn may_switch(&self, method: Method, settings: &Settings) -> bool {
        method != Method::Email && Standard.may_switch(method, settings)
    }
}

struct OneBreaker {
    inner: Arc<dyn Mailer>,
    open: AtomicBool,
}

#[async_trait]
impl Mailer for OneBreaker {
    async fn send(&self, message: &Message) -> Result<(), DeliveryError> {
        if self.open.load(Ordering::Relaxed) && matches!(message.content, MessageContent::Code { .. }) {
            return Err(DeliveryError::Refused("the breaker is open".to_owned()));
        }
        let outcome = self.inner.send(message).await;
        if outcome.is_err() && matches!(message.to, Recipient::Push(_)) {
            self.open.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

struct FreePass;

impl SignInRules for FreePass {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        match Standard.admit(facts) {
            Admission::Challenge if facts.trusted_devices == 0 => Admission::Session,
            admission => admission,
        }
    }
}

/// Removes as it should, and remembers that something was removed.
struct Removing(Arc<AtomicBool>);

impl DeviceRules for Removing {
    fn remove(&self, account: &mut Account, id: &DeviceId) {
        Standard.remove(account, id);
        self.0.store(true, Ordering::SeqCst);
    }
}

struct FreePassAfterRemoval(Arc<AtomicBool>);

impl SignInRules for FreePassAfterRemoval {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        if self.0.load(Ordering::SeqCst) {
            return FreePass.admit(facts);
        }
        Standard.admit(facts)
    }
}
