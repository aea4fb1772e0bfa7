//! Servers that each break one requirement of the area `trusted-device`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
