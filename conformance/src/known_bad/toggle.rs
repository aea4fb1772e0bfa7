//! Servers that each break one requirement of the area `toggle`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
