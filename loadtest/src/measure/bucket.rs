//! Counts of values, each value taken to the three digits that an HDR histogram keeps: what one second of one kind of sample
//! needs is then as large as what was measured in it.

use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;

/// The significant digits of every histogram here.
pub const DIGITS: u8 = 3;

/// The longest time that is told apart, in microseconds: an hour.
pub const MAX_US: u64 = 3_600_000_000;

/// Values below this are exact: twice ten to the digits, as a power of two.
const EXACT: u64 = 2048;

/// A histogram that is small while little is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sparse {
    counts: FxHashMap<u64, u64>,
}

/// The lowest value that a histogram of [`DIGITS`] digits cannot tell from this one.
pub(crate) fn bucket(value_us: u64) -> u64 {
    let value = value_us.min(MAX_US);
    if value < EXACT {
        return value;
    }
    let shift = value.ilog2() + 1 - EXACT.ilog2();
    (value >> shift) << shift
}

/// Counts a time; one that is longer than the longest is the longest.
pub fn count(times: &mut Histogram<u64>, us: u64) {
    // It resizes by itself, up to the longest time there is.
    let _ = times.record(us.min(MAX_US));
}

/// An empty histogram of the kind used everywhere here.
pub fn histogram() -> Histogram<u64> {
    let mut histogram = match Histogram::new_with_bounds(1, EXACT, DIGITS) {
        Ok(histogram) => histogram,
        Err(_) => unreachable!("the bounds are constants that hold"),
    };
    histogram.auto(true);
    histogram
}

impl Sparse {
    /// Counts a value.
    pub(crate) fn record(&mut self, value_us: u64) {
        self.record_n(value_us, 1);
    }

    /// Counts a value several times.
    pub(crate) fn record_n(&mut self, value_us: u64, count: u64) {
        *self.counts.entry(bucket(value_us)).or_default() += count;
    }

    /// Adds what another one counted.
    pub(crate) fn merge(&mut self, other: &Sparse) {
        other.counts.iter().for_each(|(value, count)| self.record_n(*value, *count));
    }

    /// Values counted.
    pub(crate) fn len(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The same as a histogram.
    pub(crate) fn histogram(&self) -> Histogram<u64> {
        let mut histogram = histogram();
        for (value, count) in &self.counts {
            // It resizes by itself, up to the longest time there is.
            let _ = histogram.record_n(*value, *count);
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_histogram() {
        let mut wide = histogram();
        wide.record(MAX_US).unwrap();
        let mut value = 1u64;
        while value < MAX_US / 2 {
            for near in [value - 1, value, value + 1, value + value / 3] {
                assert_eq!(bucket(near), wide.lowest_equivalent(near), "{near}");
            }
            value = value * 3 / 2 + 1;
        }
    }

    #[test]
    fn a_histogram_grows_with_what_is_counted() {
        let mut times = histogram();
        count(&mut times, 5_000_000);
        count(&mut times, u64::MAX);
        assert_eq!((times.len(), bucket(times.min())), (2, bucket(5_000_000)));
        assert!(times.max() >= bucket(MAX_US));
    }

    #[test]
    fn nothing_is_lost_and_the_longest_is_kept_at_its_bound() {
        let mut sparse = Sparse::default();
        for value in [0, 1, 1, 5_000, 5_001, 70_000_000, u64::MAX] {
            sparse.record(value);
        }
        let histogram = sparse.histogram();
        assert_eq!(histogram.len(), 7);
        assert_eq!(histogram.count_at(1), 2);
        assert_eq!(histogram.count_at(5_000), 2, "three digits do not tell 5000 from 5001");
        assert!(histogram.max() >= bucket(MAX_US));
    }
}
