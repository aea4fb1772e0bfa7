//! How many connections each source holds, so that one of them leaves room for everybody else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::domain::network;
use crate::settings::Network;
use crate::sync::lock;

/// The connections of each source.
#[derive(Debug)]
pub(super) struct Shares {
    most: usize,
    /// Proxies speak for many, so that they are not bound.
    exempt: Vec<Network>,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that counts for its source until this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Option<(Arc<Shares>, IpAddr)>,
}

impl Shares {
    pub(super) fn new(most: usize, exempt: Vec<Network>) -> Arc<Self> {
        Arc::new(Self {
            most,
            exempt,
            held: Mutex::default(),
        })
    }

    /// A connection of this peer; `None` when its source has as many as it may.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Share> {
        if self.exempt.iter().any(|network| network.contains(peer)) {
            return Some(Share { of: None });
        }
        let source = network(peer);
        let mut held = lock(&self.held);
        let theirs = held.entry(source).or_default();
        if *theirs >= self.most {
            return None;
        }
        *theirs += 1;
        Some(Share {
            of: Some((Arc::clone(self), source)),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, source)) = &self.of else { return };
        let mut held = lock(&shares.held);
        if let Some(theirs) = held.get_mut(source) {
            *theirs -= 1;
            if *theirs == 0 {
                held.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_share_and_no_more_and_proxies_are_not_bound() {
        let shares = Shares::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let take = |peer: &str| shares.take(peer.parse().unwrap());
        let first = take("2001:db8::1");
        let second = take("2001:db8::ffff:1");
        assert!(first.is_some() && second.is_some());
        assert!(take("2001:db8::2").is_none(), "one network");
        assert!(take("2001:db8:0:1::1").is_some(), "another");
        drop(first);
        assert!(take("2001:db8::2").is_some());
        let many: Vec<_> = (0..9).map(|_| take("10.0.0.1")).collect();
        assert!(many.iter().all(Option::is_some));
        drop(second);
        assert!(lock(&shares.held).is_empty(), "nothing is kept of who is gone");
    }
}
