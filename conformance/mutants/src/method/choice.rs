//! The wrong method, or none, or no step at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reference_server::account::{Account, Challenge, DeviceId, Method};
use reference_server::policy::{Admission, At, Policy, SignInFacts, Standard};
use reference_server::ports::{DeliveryError, Mailer, Message, MessageContent, Recipient};

mutants! {
    /// A pushed code is always mailed as well.
    "both-methods-at-once" breaks "METH-01": policy BothAtOnce {
        fn code_recipients(&self, account: &Account, challenge: &Challenge, at: At<'_>) -> Vec<Recipient> {
            let mut all = Standard.code_recipients(account, challenge, at);
            let mailbox = Recipient::Email(account.email.clone());
            if !all.contains(&mailbox) {
                all.push(mailbox);
            }
            all
        }
    }

    /// An account without a trusted device is told that its code was sent by push.
    "push-to-nobody" breaks "METH-02": policy PushToNobody {
        fn first_method(&self, _: &Account, _: At<'_>) -> Option<Method> {
            Some(Method::Push)
        }
    }

    /// Once an account has a trusted device there is no way to have a code mailed.
    "no-way-but-push" breaks "METH-02": policy NoWayButPush {
        fn first_method(&self, account: &Account, at: At<'_>) -> Option<Method> {
            Standard.first_method(account, at)
        }

        fn may_use(&self, method: Method, at: At<'_>) -> bool {
            method != Method::Email && Standard.may_use(method, at)
        }
    }

    /// A push provider that fails takes the mail provider out of service with it.
    "one-breaker-for-all-providers" breaks "METH-02": mailer => |server| {
        let inner = Arc::clone(&server.deps.mailer);
        server.deps.mailer = Arc::new(OneBreaker {
            inner,
            open: AtomicBool::new(false),
        });
    };

    /// An account that trusts no device is signed in without a code.
    "first-device-free-pass" breaks "METH-05": policy = FreePass;

    /// Whoever removed the last device is let in without a code, so as not to be locked out.
    "free-pass-after-removal" breaks "METH-05": policy = FreePassAfterRemoval::default();
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

impl Policy for FreePass {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        match Standard.admit(facts) {
            Admission::Challenge if facts.trusted_devices == 0 => Admission::Session,
            admission => admission,
        }
    }
}

/// Removes as it should, and remembers that something was removed.
#[derive(Default)]
struct FreePassAfterRemoval(AtomicBool);

impl Policy for FreePassAfterRemoval {
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        Standard.remove_device(account, id);
        self.0.store(true, Ordering::SeqCst);
    }

    fn admit(&self, facts: &SignInFacts) -> Admission {
        if self.0.load(Ordering::SeqCst) {
            return FreePass.admit(facts);
        }
        Standard.admit(facts)
    }
}
