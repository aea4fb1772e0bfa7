//! Servers that each break one requirement of the area `resend`.

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[];
