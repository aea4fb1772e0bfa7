//! What is measured: three clocks an arrival, one histogram each, and counts that add up.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The greatest time that is told apart: two minutes, in microseconds.
const GREATEST_US: u64 = 120_000_000;

/// How one arrival ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The whole journey was made.
    Completed,
    /// A step was refused, failed, or took too long.
    Failed,
    /// It was never sent: the storm had long been over when its turn came.
    Abandoned,
}

/// The instants of one arrival, from the start of the storm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    /// When it was to start.
    pub(crate) scheduled: Duration,
    /// When it started.
    pub(crate) started: Duration,
    /// When it ended.
    pub(crate) ended: Duration,
}

/// The percentiles of one clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// The recorder of one storm.
pub(crate) struct Measure {
    offered: u64,
    completed: u64,
    failed: u64,
    abandoned: u64,
    response: Histogram<u64>,
    service: Histogram<u64>,
    lag: Histogram<u64>,
    /// The first few complaints, as told.
    complaints: Vec<String>,
}

/// What a storm came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Arrivals of the schedule.
    pub(crate) offered: u64,
    /// Whole journeys.
    pub(crate) completed: u64,
    /// Journeys that broke off.
    pub(crate) failed: u64,
    /// Arrivals that were never sent.
    pub(crate) abandoned: u64,
    /// From the scheduled instant to the end: what a person waits.
    pub(crate) response: Percentiles,
    /// From the first request to the end: what the service takes.
    pub(crate) service: Percentiles,
    /// From the scheduled instant to the first request: what the generator is late.
    pub(crate) start_lag: Percentiles,
    /// The first few complaints.
    pub(crate) complaints: Vec<String>,
}

impl Measure {
    const COMPLAINTS: usize = 5;

    /// A recorder that expects this many arrivals.
    pub(crate) fn new(offered: usize) -> anyhow::Result<Self> {
        let clock = || Histogram::new_with_bounds(1, GREATEST_US, 3);
        Ok(Self {
            offered: u64::try_from(offered)?,
            completed: 0,
            failed: 0,
            abandoned: 0,
            response: clock()?,
            service: clock()?,
            lag: clock()?,
            complaints: Vec::new(),
        })
    }

    /// Enters one arrival. One that was abandoned counts as late by all the time it waited, and has no service time.
    pub(crate) fn record(&mut self, moments: Moments, ending: Ending) {
        let us = |from: Duration, to: Duration| u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(GREATEST_US);
        self.response.saturating_record(us(moments.scheduled, moments.ended));
        self.lag.saturating_record(us(moments.scheduled, moments.started));
        if ending != Ending::Abandoned {
            self.service.saturating_record(us(moments.started, moments.ended));
        }
        match ending {
            Ending::Completed => self.completed += 1,
            Ending::Failed => self.failed += 1,
            Ending::Abandoned => self.abandoned += 1,
        }
    }

    /// Keeps a complaint, when it is one of the first.
    pub(crate) fn complain(&mut self, what: String) {
        if self.complaints.len() < Self::COMPLAINTS {
            self.complaints.push(what);
        }
    }

    /// The result. What was offered and never ended in any way was abandoned.
    pub(crate) fn figures(&self) -> Figures {
        let ended = self.completed + self.failed + self.abandoned;
        Figures {
            offered: self.offered,
            completed: self.completed,
            failed: self.failed,
            abandoned: self.abandoned + self.offered.saturating_sub(ended),
            response: percentiles(&self.response),
            service: percentiles(&self.service),
            start_lag: percentiles(&self.lag),
            complaints: self.complaints.clone(),
        }
    }
}

impl Figures {
    /// Whether every arrival ended in one way.
    pub(crate) fn add_up(&self) -> bool {
        self.offered == self.completed + self.failed + self.abandoned
    }
}

fn percentiles(clock: &Histogram<u64>) -> Percentiles {
    let ms = |us: u64| us as f64 / 1000.0;
    Percentiles {
        p50_ms: ms(clock.value_at_quantile(0.5)),
        p90_ms: ms(clock.value_at_quantile(0.9)),
        p99_ms: ms(clock.value_at_quantile(0.99)),
        max_ms: ms(clock.max()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(scheduled: u64, started: u64, ended: u64) -> Moments {
        let ms = Duration::from_millis;
        Moments {
            scheduled: ms(scheduled),
            started: ms(started),
            ended: ms(ended),
        }
    }

    #[test]
    fn the_counts_add_up_whatever_happens() {
        let mut measure = Measure::new(5).unwrap();
        measure.record(moments(0, 0, 10), Ending::Completed);
        measure.record(moments(1, 1, 10), Ending::Failed);
        measure.record(moments(2, 900, 900), Ending::Abandoned);
        let figures = measure.figures();
        assert_eq!(
            (figures.completed, figures.failed, figures.abandoned),
            (1, 1, 3),
            "two never came"
        );
        assert!(figures.add_up());
        measure.record(moments(3, 3, 4), Ending::Completed);
        measure.record(moments(3, 3, 4), Ending::Completed);
        measure.record(moments(3, 3, 4), Ending::Completed);
        assert!(!measure.figures().add_up(), "one more than was offered is noticed");
    }

    #[test]
    fn waiting_for_a_start_is_part_of_the_response_and_not_of_the_service() {
        let mut measure = Measure::new(100).unwrap();
        for nth in 0..100 {
            measure.record(moments(nth, nth + 800, nth + 810), Ending::Completed);
        }
        let figures = measure.figures();
        let near = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 0.01;
        assert!(near(figures.response.p50_ms, 810.0), "{figures:?}");
        assert!(near(figures.service.p99_ms, 10.0), "{figures:?}");
        assert!(near(figures.start_lag.p90_ms, 800.0), "{figures:?}");
    }

    #[test]
    fn only_the_first_complaints_are_kept() {
        let mut measure = Measure::new(0).unwrap();
        (0..50).for_each(|nth| measure.complain(format!("complaint {nth}")));
        assert_eq!(measure.figures().complaints.len(), 5);
    }
}
