//! The addresses people come from. All of them are loopback: 127.64.0.0/10 has one for each of four million, and
//! 127.128.0.0/10 has the ones that a party shares, 65,534 for each of 64 parties.

use std::net::{IpAddr, Ipv4Addr};

use crate::plan::arrivals::dice::mix;
use crate::plan::arrivals::shuffle::Shuffle;

/// Addresses within a /10.
const OWN: u64 = 1 << 22;

/// The address of one of a party, which shares this many; 0 is one each.
pub(super) fn source(seed: u64, identity: u64, party: u16, shared: u32) -> IpAddr {
    let address = match shared {
        // A permutation, so that no two of the first four million are the same.
        0 => 0x7F40_0000 | Shuffle::new(OWN, seed).at(identity % OWN),
        shared => {
            let nth = mix(seed, identity) % u64::from(shared);
            // From .0.1 on: a network's first address is no host's.
            0x7F80_0000 | u64::from(party % 64) << 16 | (nth + 1)
        }
    };
    // Below 2^32 by its making.
    IpAddr::V4(Ipv4Addr::from(address as u32))
}
