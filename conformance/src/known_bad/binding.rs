//! Servers that each break one requirement of the area `binding`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
