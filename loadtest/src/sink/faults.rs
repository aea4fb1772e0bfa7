//! What the sinks do wrong, for as long as it is ordered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use targets::Channel;

use crate::plan::scenario::Fault;

/// What a provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Refuses for now (503, SMTP 451).
    Refuse,
    /// Accepts and loses.
    Lose,
    /// Takes the message and answers this much later.
    Slow(Duration),
    /// Accepts at once; the message arrives this much later.
    Late(Duration),
    /// Takes nothing and never answers.
    Hang,
    /// Says that the recipient is gone for good (FCM `UNREGISTERED`; by email, no such mailbox).
    Unregistered,
}

/// The standing orders. Clones share them. Each order counts until it is withdrawn: of several, the worse decides, and delays add up.
#[derive(Clone, Debug, Default)]
pub struct SinkFaults {
    push: Arc<Orders>,
    email: Arc<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    refuse: AtomicU64,
    lose: AtomicU64,
    slow_ms: AtomicU64,
    late_ms: AtomicU64,
    hang: AtomicU64,
    unregistered: AtomicU64,
}

/// What happens to one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) outcome: Outcome,
    /// The answer waits for so long.
    pub(super) answer_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Deliver { after: Duration },
    Lose,
    Refuse,
    Unregistered,
    Hang,
}

impl SinkFaults {
    /// A provider does this wrong from now on.
    pub fn order(&self, channel: Channel, trouble: Trouble) {
        let (counter, by) = self.counter(channel, trouble);
        counter.fetch_add(by, Ordering::Relaxed);
    }

    /// Withdraws one such order.
    pub fn withdraw(&self, channel: Channel, trouble: Trouble) {
        let (counter, by) = self.counter(channel, trouble);
        counter
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| now.checked_sub(by))
            .ok();
    }

    /// Does what the scenario says, until it is lifted.
    pub fn apply(&self, fault: Fault) {
        let (channel, trouble) = meaning(fault);
        self.order(channel, trouble);
    }

    /// Ends what [`SinkFaults::apply`] began.
    pub fn lift(&self, fault: Fault) {
        let (channel, trouble) = meaning(fault);
        self.withdraw(channel, trouble);
    }

    /// Withdraws every order.
    pub fn clear(&self) {
        for orders in [&self.push, &self.email] {
            for counter in orders.all() {
                counter.store(0, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn fate(&self, channel: Channel) -> Fate {
        let orders = self.orders(channel);
        let is = |counter: &AtomicU64| counter.load(Ordering::Relaxed) > 0;
        let ms = |counter: &AtomicU64| Duration::from_millis(counter.load(Ordering::Relaxed));
        let outcome = if is(&orders.hang) {
            Outcome::Hang
        } else if is(&orders.refuse) {
            Outcome::Refuse
        } else if is(&orders.unregistered) {
            Outcome::Unregistered
        } else if is(&orders.lose) {
            Outcome::Lose
        } else {
            Outcome::Deliver {
                after: ms(&orders.late_ms),
            }
        };
        Fate {
            outcome,
            answer_after: ms(&orders.slow_ms),
        }
    }

    fn orders(&self, channel: Channel) -> &Orders {
        match channel {
            Channel::Push => &self.push,
            Channel::Email => &self.email,
        }
    }

    fn counter(&self, channel: Channel, trouble: Trouble) -> (&AtomicU64, u64) {
        let orders = self.orders(channel);
        let ms = |by: Duration| u64::try_from(by.as_millis()).unwrap_or(u64::from(u32::MAX));
        match trouble {
            Trouble::Refuse => (&orders.refuse, 1),
            Trouble::Lose => (&orders.lose, 1),
            Trouble::Slow(by) => (&orders.slow_ms, ms(by)),
            Trouble::Late(by) => (&orders.late_ms, ms(by)),
            Trouble::Hang => (&orders.hang, 1),
            Trouble::Unregistered => (&orders.unregistered, 1),
        }
    }
}

impl Orders {
    fn all(&self) -> [&AtomicU64; 6] {
        [
            &self.refuse,
            &self.lose,
            &self.slow_ms,
            &self.late_ms,
            &self.hang,
            &self.unregistered,
        ]
    }
}

fn meaning(fault: Fault) -> (Channel, Trouble) {
    let ms = Duration::from_millis;
    match fault {
        Fault::PushDown => (Channel::Push, Trouble::Refuse),
        Fault::PushLost => (Channel::Push, Trouble::Lose),
        Fault::PushSlowMs(by) => (Channel::Push, Trouble::Slow(ms(by))),
        Fault::EmailDown => (Channel::Email, Trouble::Refuse),
        Fault::EmailLateMs(by) => (Channel::Email, Trouble::Late(ms(by))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_applied_is_lifted_and_the_rest_stays() {
        let faults = SinkFaults::default();
        let none = faults.fate(Channel::Push);
        let deliver = |ms| Outcome::Deliver {
            after: Duration::from_millis(ms),
        };
        assert_eq!((none.outcome, none.answer_after), (deliver(0), Duration::ZERO));
        faults.apply(Fault::PushLost);
        faults.apply(Fault::PushDown);
        faults.apply(Fault::PushDown);
        faults.apply(Fault::PushSlowMs(40));
        faults.apply(Fault::EmailLateMs(70));
        assert_eq!(faults.fate(Channel::Push).outcome, Outcome::Refuse);
        assert_eq!(faults.fate(Channel::Email).outcome, deliver(70));
        faults.lift(Fault::PushDown);
        assert_eq!(faults.fate(Channel::Push).outcome, Outcome::Refuse);
        faults.lift(Fault::PushDown);
        let lost = faults.fate(Channel::Push);
        assert_eq!((lost.outcome, lost.answer_after), (Outcome::Lose, Duration::from_millis(40)));
        faults.lift(Fault::PushLost);
        faults.lift(Fault::PushSlowMs(40));
        assert_eq!(faults.fate(Channel::Push), none);
        faults.clear();
        assert_eq!(faults.fate(Channel::Email), none);
        faults.lift(Fault::EmailDown);
        assert_eq!(faults.fate(Channel::Email), none);
    }
}
