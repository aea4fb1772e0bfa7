//! Whose address counts, and how many failures it may cause.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::Standard;
use crate::account::{Timestamp, network};
use crate::config::{Config, Network};

/// What an address did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// A wrong password or code.
    Failure,
    /// A completed sign-in.
    Success,
}

/// Whose address counts.
pub trait SourceRules: Send + Sync {
    /// The peer's address; behind a configured proxy, the nearest hop that is not one, as that proxy asserts it (ATT-05,
    /// RFC 7239 §8). Nothing a client can choose: what could not be read, and all to the left of it, is not among the hops.
    fn address(&self, peer: IpAddr, forwarded: &[IpAddr], trusted: &[Network]) -> IpAddr {
        let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
        if !is_proxy(&peer) {
            return peer;
        }
        forwarded.iter().rev().find(|hop| !is_proxy(hop)).copied().unwrap_or(peer)
    }

    /// What failures are counted by: an IPv6 client has a whole /64 to choose from.
    fn key(&self, address: IpAddr) -> IpAddr {
        network(address)
    }

    /// When this address may try again; `None` when it may now (ATT-04).
    fn blocked(&self, failures: &VecDeque<Timestamp>, now: Timestamp, config: &Config) -> Option<Timestamp> {
        let start = now.minus_s(config.source_window_s);
        let recent = failures.iter().filter(|at| **at > start).count();
        // One that takes none has had its last with the first.
        let limit = config.source_wrong_limit.max(1) as usize;
        (recent >= limit).then(|| failures[failures.len() - limit].plus_s(config.source_window_s))
    }

    /// Keeps the count. A success of one account gives back nothing that protects another (ATT-09).
    fn note(&self, failures: &mut VecDeque<Timestamp>, event: SourceEvent, now: Timestamp) {
        if event == SourceEvent::Failure {
            failures.push_back(now);
        }
    }
}

impl SourceRules for Standard {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_configured_proxy_may_name_an_address() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let hops = [ip("198.51.100.1"), ip("203.0.113.9"), ip("10.0.0.2")];
        assert_eq!(Standard.address(ip("192.0.2.1"), &hops, &proxies), ip("192.0.2.1"));
        assert_eq!(
            Standard.address(ip("10.0.0.1"), &hops, &proxies),
            ip("203.0.113.9"),
            "the left entry is the client's own"
        );
        assert_eq!(Standard.address(ip("10.0.0.1"), &[], &proxies), ip("10.0.0.1"));
    }

    #[test]
    fn the_window_slides() {
        let config = Config {
            source_wrong_limit: 2,
            source_window_s: 10,
            ..Config::default()
        };
        let failures = VecDeque::from([Timestamp(0), Timestamp(5_000)]);
        assert_eq!(
            Standard.blocked(&failures, Timestamp(6_000), &config),
            Some(Timestamp(10_000))
        );
        assert_eq!(Standard.blocked(&failures, Timestamp(10_000), &config), None);
        let none = Config {
            source_wrong_limit: 0,
            ..config
        };
        assert_eq!(Standard.blocked(&VecDeque::new(), Timestamp(0), &none), None);
        assert_eq!(
            Standard.blocked(&failures, Timestamp(6_000), &none),
            Some(Timestamp(15_000)),
            "no index out of bounds"
        );
    }
}
