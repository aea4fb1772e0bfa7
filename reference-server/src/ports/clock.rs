//! The clock part.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::account::Timestamp;
use crate::sync::lock;

/// Tells the time. Only the server's own time is ever used (TIME-02).
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that runs with the system's, moved by an offset, or stands still: what the control interface drives.
#[derive(Debug, Default)]
pub struct ManualClock {
    state: Mutex<Manual>,
}

#[derive(Debug, Default)]
struct Manual {
    offset_ms: i64,
    frozen_at: Option<i64>,
}

impl ManualClock {
    fn with<R>(&self, change: impl FnOnce(&mut Manual, i64) -> R) -> R {
        let system = SystemClock.now().0;
        change(&mut lock(&self.state), system)
    }

    /// Moves the clock by this many milliseconds, which may be negative.
    pub fn advance_ms(&self, by: i64) {
        self.with(|state, _| {
            state.offset_ms = state.offset_ms.saturating_add(by);
            state.frozen_at = state.frozen_at.map(|at| at.saturating_add(by));
        });
    }

    /// Sets the clock to this moment, running or frozen as it was.
    pub fn set(&self, to: Timestamp) {
        self.with(|state, system| {
            state.offset_ms = to.0.saturating_sub(system);
            state.frozen_at = state.frozen_at.map(|_| to.0);
        });
    }

    /// Stops the clock where it is, or lets it run on from there.
    pub fn freeze(&self, frozen: bool) {
        self.with(|state, system| match (frozen, state.frozen_at) {
            (true, None) => state.frozen_at = Some(system.saturating_add(state.offset_ms)),
            (false, Some(at)) => {
                state.offset_ms = at.saturating_sub(system);
                state.frozen_at = None;
            }
            _ => {}
        });
    }

    /// Back to the system's time.
    pub fn reset(&self) {
        self.with(|state, _| *state = Manual::default());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.with(|state, system| Timestamp(state.frozen_at.unwrap_or_else(|| system.saturating_add(state.offset_ms))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_on_order() {
        let clock = ManualClock::default();
        clock.freeze(true);
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance_ms(-1500);
        assert_eq!(clock.now().0, start.0 - 1500);
        clock.set(Timestamp(7));
        assert_eq!(clock.now(), Timestamp(7));
    }

    #[test]
    fn an_offset_moves_a_running_clock() {
        let clock = ManualClock::default();
        clock.advance_ms(3_600_000);
        assert!(clock.now().0 - SystemClock.now().0 > 3_590_000);
        clock.reset();
        assert!((clock.now().0 - SystemClock.now().0).abs() < 10_000);
    }
}
