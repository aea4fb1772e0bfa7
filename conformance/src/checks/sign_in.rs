//! Checks of this area.

use crate::check::Check;

pub(crate) const CHECKS: &[Check] = &[];
