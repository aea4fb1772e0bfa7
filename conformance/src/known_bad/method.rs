//! Servers that each break one requirement of the area `method`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
