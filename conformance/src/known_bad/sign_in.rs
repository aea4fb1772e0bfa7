//! Servers that each break one requirement of the area `sign-in`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
