//! The instant at which all shards of a storm begin.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use chrono::DateTime;

/// How late a shard may be and still be part of the storm: an order travels, and clocks differ a little.
const TOLERANCE: Duration = Duration::from_secs(1);

/// An instant to begin at, by this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start(SystemTime);

/// The instant is past.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the storm began {late_s:.1} s ago: this shard would not be part of it (are the clocks of the machines right?)")]
pub struct TooLate {
    pub late_s: f64,
}

impl Start {
    /// At that time.
    pub fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// The instant.
    pub fn time(self) -> SystemTime {
        self.0
    }

    /// Refuses an instant that is past.
    pub fn check(self, now: SystemTime) -> Result<(), TooLate> {
        let late = now.duration_since(self.0).unwrap_or_default();
        if late > TOLERANCE {
            return Err(TooLate {
                late_s: late.as_secs_f64(),
            });
        }
        Ok(())
    }

    /// Waits until then; refuses when it is past. The wait is measured once: a clock that is set meanwhile does not move it.
    pub async fn wait(self) -> Result<(), TooLate> {
        let now = SystemTime::now();
        self.check(now)?;
        tokio::time::sleep(self.0.duration_since(now).unwrap_or_default()).await;
        Ok(())
    }
}

impl FromStr for Start {
    type Err = String;

    /// RFC 3339, or seconds since 1970.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let since = match DateTime::parse_from_rfc3339(text) {
            Ok(timestamp) => u64::try_from(timestamp.timestamp_millis()).ok().map(Duration::from_millis),
            Err(_) => text
                .parse::<f64>()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        };
        since
            .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
            .map(Start)
            .ok_or_else(|| "not a time such as 2030-01-31T12:00:00Z, nor seconds since 1970".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Start {
        text.parse().expect("a time")
    }

    #[test]
    fn both_ways_of_writing_are_read() {
        assert_eq!(start("2030-01-31T12:00:00Z"), start("1896091200"));
        assert_eq!(start("2030-01-31T13:00:00.5+01:00"), start("1896091200.5"));
        for wrong in ["", "now", "-1", "NaN", "inf", "1e300", "2030-01-31", "2030-01-31T12:00:00"] {
            assert!(wrong.parse::<Start>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_past_instant_is_refused_and_a_late_order_is_not() {
        let at = start("1896091200");
        let now = |seconds: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1_896_091_200.0 + seconds);
        assert_eq!(at.check(now(-60.0)), Ok(()));
        assert_eq!(at.check(now(0.5)), Ok(()));
        assert_eq!(at.check(now(2.0)), Err(TooLate { late_s: 2.0 }));
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_until_then() {
        let begun = tokio::time::Instant::now();
        let at = Start::at(SystemTime::now() + Duration::from_secs(3600));
        at.wait().await.expect("not past");
        let waited = begun.elapsed().as_secs_f64();
        assert!((3590.0..3601.0).contains(&waited), "{waited}");
        assert!(start("1000").wait().await.is_err());
    }
}
