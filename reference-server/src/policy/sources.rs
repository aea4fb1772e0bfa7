//! What a source address is counted by.

use std::net::IpAddr;

use crate::account::network;

/// What an address did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// A wrong password or code.
    Failure,
    /// A completed sign-in.
    Success,
}

/// What failures are counted by: an IPv6 client has a whole /64 to choose from (ATT-04).
pub fn key(address: IpAddr) -> IpAddr {
    network(address)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::account::Timestamp;
    use crate::config::Config;
    use crate::policy::{At, Policy, Standard};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_configured_proxy_may_name_an_address() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let hops = [ip("198.51.100.1"), ip("203.0.113.9"), ip("10.0.0.2")];
        assert_eq!(Standard.source_address(ip("192.0.2.1"), &hops, &proxies), ip("192.0.2.1"));
        assert_eq!(
            Standard.source_address(ip("10.0.0.1"), &hops, &proxies),
            ip("203.0.113.9"),
            "the left entry is the client's own"
        );
        assert_eq!(Standard.source_address(ip("10.0.0.1"), &[], &proxies), ip("10.0.0.1"));
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
            Standard.source_blocked(
                &failures,
                At {
                    now: Timestamp(6_000),
                    config: &config
                }
            ),
            Some(Timestamp(10_000))
        );
        assert_eq!(
            Standard.source_blocked(
                &failures,
                At {
                    now: Timestamp(10_000),
                    config: &config
                }
            ),
            None
        );
        let none = Config {
            source_wrong_limit: 0,
            ..config
        };
        assert_eq!(
            Standard.source_blocked(
                &VecDeque::new(),
                At {
                    now: Timestamp(0),
                    config: &none
                }
            ),
            None
        );
        assert_eq!(
            Standard.source_blocked(
                &failures,
                At {
                    now: Timestamp(6_000),
                    config: &none
                }
            ),
            Some(Timestamp(15_000)),
            "no index out of bounds"
        );
    }
}
