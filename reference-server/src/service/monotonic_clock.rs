//! The service's own time (TIME-03): the clock's, except that it never goes back.

use std::sync::Mutex;

use crate::account::Timestamp;
use crate::ports::Clock;
use crate::sync::lock;

#[derive(Debug)]
struct LastReading {
    reading: Timestamp,
    ahead_ms: i64,
}

impl Default for LastReading {
    fn default() -> Self {
        Self {
            reading: Timestamp(i64::MIN),
            ahead_ms: 0,
        }
    }
}

/// What the clock told last, and how far the service's time runs ahead of it.
#[derive(Debug, Default)]
pub(super) struct MonotonicClock {
    last_reading: Mutex<LastReading>,
}

impl MonotonicClock {
    pub(super) fn now(&self, clock: &dyn Clock) -> Timestamp {
        let mut last = lock(&self.last_reading);
        // Asked under the lock: two threads that read the clock in one order and came here in the other would look like a
        // clock that goes back.
        let now = clock.now();
        last.ahead_ms = last.ahead_ms.saturating_add(last.reading.0.saturating_sub(now.0).max(0));
        last.reading = now;
        Timestamp(now.0.saturating_add(last.ahead_ms))
    }

    pub(super) fn clear(&self) {
        *lock(&self.last_reading) = LastReading::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ManualClock;

    #[test]
    fn a_step_back_is_time_that_goes_on() {
        let (steady, clock) = (MonotonicClock::default(), ManualClock::default());
        let now = || steady.now(&clock).0;
        clock.freeze(true);
        clock.set(Timestamp(10_000));
        assert_eq!(now(), 10_000);
        clock.advance_ms(-4_000);
        assert_eq!(now(), 10_000);
        clock.advance_ms(1_000);
        assert_eq!(now(), 11_000);
        clock.advance_ms(60_000);
        assert_eq!(now(), 71_000);
        steady.clear();
        assert_eq!(now(), 67_000, "forgotten");
    }
}
