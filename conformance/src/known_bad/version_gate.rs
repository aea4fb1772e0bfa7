//! Servers that each break one requirement of the area `version-gate`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
