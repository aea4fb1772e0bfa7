//! What the checks of a run share, so that none disturbs another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the checks of a run share: source addresses of 127.0.0.0/8, each given out once, so that no check throttles
/// another; and whose mailbox and registration is whose, so that none takes another's message for its own.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    next: AtomicU32,
    checks: AtomicU32,
    recipients: Mutex<HashMap<String, u32>>,
}

impl Addresses {
    /// Given out from a place of their own, for a target that has seen other runs.
    pub fn from(place: u64) -> Self {
        let place = u32::try_from(place % u64::from(Self::ALL)).unwrap_or(0);
        Self(Arc::new(Shared {
            next: AtomicU32::new(place),
            ..Shared::default()
        }))
    }

    const ALL: u32 = 0x00fe_0000;

    pub(crate) fn next(&self) -> IpAddr {
        // From 127.1.0.1 on; a run uses far fewer than the sixteen million there are.
        let n = self.0.next.fetch_add(1, Ordering::Relaxed) % Self::ALL;
        IpAddr::V4(Ipv4Addr::from(0x7f01_0001 + n))
    }

    /// The number of one more check.
    pub(crate) fn check(&self) -> u32 {
        self.0.checks.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn claim(&self, recipient: &str, check: u32) {
        self.recipients().insert(recipient.to_owned(), check);
    }

    /// Whether a message to this recipient belongs to another check. One to nobody's recipient is everybody's business.
    pub(crate) fn is_anothers(&self, recipient: &str, check: u32) -> bool {
        self.recipients().get(recipient).is_some_and(|owner| *owner != check)
    }

    fn recipients(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.recipients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_another_checks_recipient_is_that_checks_business() {
        let shared = Addresses::default();
        let (one, other) = (shared.check(), shared.check());
        shared.claim("a@example.test", one);
        assert!(shared.is_anothers("a@example.test", other));
        assert!(!shared.is_anothers("a@example.test", one));
        assert!(
            !shared.is_anothers("nobody@example.test", other),
            "a stray message is everybody's"
        );
        assert_ne!(shared.next(), shared.next());
    }
}
