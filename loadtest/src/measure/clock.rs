//! The storm's time: microseconds from its first instant.

use std::time::{Duration, Instant};

/// The time of a storm that has begun. The moment lies a little ahead where everybody begins at an appointed time.
#[derive(Clone, Copy, Debug)]
pub struct StormClock {
    began: Instant,
}

impl StormClock {
    /// Begins at this moment.
    pub fn from(began: Instant) -> Self {
        Self { began }
    }

    /// Now, in microseconds of the storm; 0 before it begins.
    pub fn now_us(&self) -> u64 {
        self.us(Instant::now())
    }

    /// A moment, in microseconds of the storm.
    pub fn us(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    /// The moment of an instant of the storm.
    pub fn moment(&self, us: u64) -> Instant {
        self.began + Duration::from_micros(us)
    }
}
