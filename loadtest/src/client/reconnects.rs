//! How often a kept connection was found closed, by what could be done about it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::Reconnects;

/// Counted by all lines to a service.
#[derive(Default)]
pub(super) struct Counts {
    reopened: AtomicU64,
    repeated: AtomicU64,
    in_doubt: AtomicU64,
}

impl Counts {
    pub(super) fn count_reopened(&self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_repeated(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_in_doubt(&self) {
        self.in_doubt.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Reconnects {
        Reconnects {
            reopened: self.reopened.load(Ordering::Relaxed),
            repeated: self.repeated.load(Ordering::Relaxed),
            in_doubt: self.in_doubt.load(Ordering::Relaxed),
        }
    }
}
