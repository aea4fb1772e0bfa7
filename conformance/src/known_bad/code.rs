//! Servers that each break one requirement of the area `code`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
