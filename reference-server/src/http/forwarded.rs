//! `X-Forwarded-For` as far as it can be believed: from the right, because each proxy adds what it saw at the right end and whatever
//! stands at the left may be the client's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;

/// The hops to the right of the last entry that cannot be read, in their order, over all lines. What a proxy could not name, it
/// did not assert: nothing to the left of it is anybody's word but the client's.
pub(super) fn readable_hops(headers: &HeaderMap) -> Vec<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter();
    let entries: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
    let mut hops: Vec<IpAddr> = entries.into_iter().rev().map_while(hop).collect();
    hops.reverse();
    hops
}

/// An address, bare or with a port, an IPv6 one in brackets perhaps, all of it quoted perhaps (RFC 7239, section 6).
fn hop(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let quoted = text.strip_prefix('"').map(|rest| rest.strip_suffix('"'));
    let node = quoted.unwrap_or(Some(text))?;
    let address = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let readable = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            IpAddr::V6(address.parse::<Ipv6Addr>().ok().filter(|_| readable)?)
        }
        None => match node.parse() {
            Ok(address) => address,
            Err(_) => {
                let (address, _) = node.rsplit_once(':').filter(|(_, port)| is_port(port))?;
                IpAddr::V4(address.parse::<Ipv4Addr>().ok()?)
            }
        },
    };
    Some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::rules::{SourceRules, Standard};
    use crate::settings::Network;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let value = |line: &&[u8]| HeaderValue::from_bytes(line).unwrap();
        let lines = lines.iter().map(value);
        lines
            .map(|value| (http::HeaderName::from_static("x-forwarded-for"), value))
            .collect()
    }

    /// What counts, where 10.0.0.0/8 are proxies and one of them is the peer.
    fn counts(lines: &[&[u8]]) -> String {
        let proxies: [Network; 1] = ["10.0.0.0/8".parse().unwrap()];
        let peer = "10.0.0.1".parse().unwrap();
        Standard.address(peer, &readable_hops(&headers(lines)), &proxies).to_string()
    }

    #[test]
    fn the_common_forms_are_read() {
        for (entry, address) in [
            ("198.51.100.7", "198.51.100.7"),
            ("\t198.51.100.7:4711 ", "198.51.100.7"),
            ("\"198.51.100.7:4711\"", "198.51.100.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
        ] {
            assert_eq!(
                hop(entry.as_bytes()).map(|hop| hop.to_string()).as_deref(),
                Some(address),
                "{entry}"
            );
            let line = format!("203.0.113.5, {entry}, 10.0.0.2:80");
            assert_eq!(counts(&[line.as_bytes()]), address, "{entry}");
        }
    }

    #[test]
    fn past_what_cannot_be_read_nothing_counts() {
        for entry in [
            "",
            " ",
            "unknown",
            "_hidden",
            "\"",
            "\"\"",
            "[]",
            "[2001:db8::7",
            "2001:db8::7]",
            "[198.51.100.7]:80",
            "198.51.100.7:",
            "198.51.100.7:99999",
            "198.51.100.7:+80",
            "[2001:db8::7]80",
            "\"198.51.100.7",
            "198.51.100.7 x",
            "fe80::1%eth0",
            "198.51.100",
            "for=198.51.100.7",
        ] {
            assert_eq!(hop(entry.as_bytes()), None, "{entry}");
            let line = format!("203.0.113.5, {entry}");
            assert_eq!(counts(&[line.as_bytes()]), "10.0.0.1", "{entry}: the proxy's own");
            assert_eq!(
                counts(&[b"203.0.113.5", entry.as_bytes(), b"10.0.0.2"]),
                "10.0.0.1",
                "{entry}"
            );
        }
        assert_eq!(counts(&[b"203.0.113.5, 198.51.100.7\xe9"]), "10.0.0.1");
        assert_eq!(
            counts(&[b"unknown, 198.51.100.7", b"10.0.0.2"]),
            "198.51.100.7",
            "read before it came to that"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(0), ..ProptestConfig::default() })]
        #[test]
        fn nothing_left_of_the_first_stranger_or_unreadable_hop_changes_what_counts(
            left in proptest::collection::vec(proptest::collection::vec(
                prop_oneof![Just(b','), Just(b'"'), Just(b'['), Just(b':'), b'0'..=b'9', 0x20_u8..=0x7e, 0x80_u8..=0xff], 0..40), 0..4),
            same_line in any::<bool>(),
            stops in prop_oneof![
                Just("198.51.100.7".to_owned()), Just("[2001:db8::7]:80".to_owned()), Just("\"203.0.113.9:1\"".to_owned()),
                Just("unknown".to_owned()), Just(String::new()), "[!-+\\--~]{0,12}".prop_filter("a proxy", |text| !text.contains("10.")),
            ],
            proxies in proptest::collection::vec(1_u8..250, 0..3),
        ) {
            let right = proxies.iter().fold(stops, |line, last| format!("{line}, 10.0.0.{last}"));
            let alone = counts(&[right.as_bytes()]);
            let mut lines = left;
            match lines.last_mut().filter(|_| same_line) {
                Some(last) => { last.push(b','); last.extend_from_slice(right.as_bytes()); }
                None => lines.push(right.into_bytes()),
            }
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(counts(&lines), alone);
        }
    }
}
