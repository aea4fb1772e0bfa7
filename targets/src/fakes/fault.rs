//! Faults on order: what a provider does wrong, to whom, and how often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use specs::Channel;

/// What goes wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused: for good (SMTP 5xx, HTTP 400), or for now (SMTP 4xx, HTTP 503).
    Refuse {
        /// Whether trying again is pointless.
        for_good: bool,
    },
    /// The message is taken, the answer comes this much later.
    Late(Duration),
    /// Nothing is taken and no answer ever comes.
    Hang,
    /// The connection is cut instead of an answer.
    Reset,
    /// Accepted, and never delivered.
    Lose,
    /// The recipient is gone for good (FCM `UNREGISTERED`; by email, no such mailbox).
    Unregistered,
}

/// An order for a fault.
#[derive(Clone, Debug)]
pub struct FaultOrder {
    pub channel: Channel,
    /// The only recipient it happens to; everybody when `None`.
    pub to: Option<String>,
    /// How often it happens; until cleared when `None`.
    pub times: Option<u32>,
    pub fault: Fault,
}

/// The standing orders of one target's fakes, the oldest first. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    orders: Arc<Mutex<Vec<FaultOrder>>>,
}

impl Faults {
    /// Puts in an order.
    pub fn order(&self, order: FaultOrder) {
        self.with(|orders| orders.push(order));
    }

    /// Every delivery on this channel fails so, until cleared.
    pub fn always(&self, channel: Channel, fault: Fault) {
        self.order(FaultOrder {
            channel,
            to: None,
            times: None,
            fault,
        });
    }

    /// Withdraws every order for this recipient.
    pub fn clear_for(&self, to: &str) {
        self.with(|orders| orders.retain(|order| order.to.as_deref() != Some(to)));
    }

    /// Withdraws every order.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// What happens to this delivery; one that was ordered a number of times is counted down.
    pub fn take(&self, channel: Channel, to: &str) -> Option<Fault> {
        self.take_if(channel, to, |_| true)
    }

    /// As [`Faults::take`], when what happens is of the kind that the caller can do.
    pub(crate) fn take_if(&self, channel: Channel, to: &str, kind: impl FnOnce(Fault) -> bool) -> Option<Fault> {
        self.with(|orders| {
            let meant = |order: &FaultOrder| order.channel == channel && order.to.as_deref().is_none_or(|only| only == to);
            let at = orders.iter().position(|order| meant(order) && order.times != Some(0))?;
            let order = &mut orders[at];
            let fault = order.fault;
            if !kind(fault) {
                return None;
            }
            order.times = order.times.map(|times| times - 1);
            if order.times == Some(0) {
                orders.remove(at);
            }
            Some(fault)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<FaultOrder>) -> T) -> T {
        act(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_for_a_channel_a_recipient_and_a_number_of_times() {
        let faults = Faults::default();
        faults.order(FaultOrder {
            channel: Channel::Push,
            to: Some("a".to_owned()),
            times: Some(2),
            fault: Fault::Unregistered,
        });
        faults.always(Channel::Push, Fault::Lose);
        assert_eq!(faults.take(Channel::Email, "a"), None);
        assert_eq!(faults.take_if(Channel::Push, "a", |fault| fault == Fault::Reset), None);
        let seen: Vec<_> = (0..3).filter_map(|_| faults.take(Channel::Push, "a")).collect();
        assert_eq!(seen, [Fault::Unregistered, Fault::Unregistered, Fault::Lose]);
        assert_eq!(faults.take(Channel::Push, "b"), Some(Fault::Lose));
        faults.clear();
        assert_eq!(faults.take(Channel::Push, "b"), None);
    }
}
