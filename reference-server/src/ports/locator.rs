//! The locator part: an approximate place from an address, and from nothing else (ACT-02).

use std::net::IpAddr;

/// Derives places from addresses.
pub trait Locator: Send + Sync {
    /// The approximate place, when one is known.
    fn place(&self, address: IpAddr) -> Option<String>;
}

/// Knows no place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unknown;

impl Locator for Unknown {
    fn place(&self, _address: IpAddr) -> Option<String> {
        None
    }
}
