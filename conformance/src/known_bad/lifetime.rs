//! Servers that each break one requirement of the area `lifetime`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
