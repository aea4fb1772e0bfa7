//! When people come: a pure function of a seed and a profile. The same seed gives the same storm, so two runs can be compared
//! arrival by arrival.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The most arrivals one storm may have.
pub(crate) const MOST: f64 = 200_000.0;

/// A storm's course.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// Arrivals a second, on average over the storm.
    pub(crate) rate: f64,
    /// How long people come for.
    pub(crate) lasts: Duration,
    /// How far the rate swings around its average: 0 is an even storm, 0.5 goes from a half to one and a half of it and back.
    pub(crate) swing: f64,
}

/// One person who wants to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Its number, from 0.
    pub(crate) nth: usize,
    /// When it comes, from the start of the storm.
    pub(crate) at: Duration,
}

impl Profile {
    /// The morning peak: the rate rises to its height in the middle and falls again.
    pub(crate) fn morning_peak(rate: f64, lasts: Duration) -> Self {
        Self { rate, lasts, swing: 0.5 }
    }

    /// Arrivals that are to be expected.
    pub(crate) fn expected(&self) -> f64 {
        self.rate * self.lasts.as_secs_f64()
    }

    fn rate_at(&self, seconds: f64) -> f64 {
        let part = seconds / self.lasts.as_secs_f64();
        self.rate * (1.0 - self.swing * (part * std::f64::consts::TAU).cos())
    }

    /// The arrivals, in order: a Poisson process at the greatest rate, thinned to the present one.
    pub(crate) fn arrivals(&self, seed: u64) -> Vec<Arrival> {
        let greatest = self.rate * (1.0 + self.swing);
        let end = self.lasts.as_secs_f64();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut arrivals = Vec::new();
        if greatest <= 0.0 || !greatest.is_finite() {
            return arrivals;
        }
        let mut seconds = 0.0;
        loop {
            let (gap, kept): (f64, f64) = (rng.random(), rng.random());
            seconds -= (1.0 - gap).ln() / greatest;
            if seconds >= end {
                return arrivals;
            }
            if kept * greatest < self.rate_at(seconds) {
                arrivals.push(Arrival {
                    nth: arrivals.len(),
                    at: Duration::from_secs_f64(seconds),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak() -> Profile {
        Profile::morning_peak(100.0, Duration::from_secs(100))
    }

    #[test]
    fn the_same_seed_gives_the_same_storm() {
        assert_eq!(peak().arrivals(7), peak().arrivals(7));
        assert_ne!(peak().arrivals(7), peak().arrivals(8));
    }

    #[test]
    fn arrivals_are_in_order_numbered_and_within_the_time() {
        let arrivals = peak().arrivals(1);
        assert!(arrivals.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!(arrivals.iter().enumerate().all(|(nth, arrival)| arrival.nth == nth));
        assert!(arrivals.iter().all(|arrival| arrival.at < peak().lasts));
    }

    #[test]
    fn the_average_is_the_rate_and_the_middle_is_the_height() {
        let arrivals = peak().arrivals(3);
        // Ten thousand expected; five standard deviations of a Poisson count are five hundred.
        assert!((9_500..10_500).contains(&arrivals.len()), "{}", arrivals.len());
        let between = |from, to| {
            let within = |arrival: &&Arrival| (from..to).contains(&arrival.at.as_secs());
            arrivals.iter().filter(within).count()
        };
        assert!(between(40, 60) > 2 * (between(0, 10) + between(90, 100)));
    }

    #[test]
    fn the_gaps_of_an_even_storm_are_those_of_a_poisson_process() {
        let even = Profile { swing: 0.0, ..peak() };
        let arrivals = even.arrivals(5);
        let gaps: Vec<f64> = arrivals
            .windows(2)
            .map(|pair| (pair[1].at - pair[0].at).as_secs_f64())
            .collect();
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        // An exponential gap's deviation equals its mean; an even one's would be zero.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.05, "{}", variance.sqrt() / mean);
    }

    #[test]
    fn no_rate_and_no_time_give_no_storm() {
        assert!(Profile::morning_peak(0.0, Duration::from_secs(5)).arrivals(1).is_empty());
        assert!(Profile::morning_peak(5.0, Duration::ZERO).arrivals(1).is_empty());
    }
}
