//! All samples of a storm. Response times of flows are kept by the second in which the arrival was due, everything else by
//! the second in which it was done. Whatever is reported is worked out from here, and the same from logs that were written.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::SystemTime;

use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::bucket::{Sparse, histogram};
use super::log::{Clock, Interval, Key, LogWriter};
use super::{Ending, Sample, Step};

/// Seconds for which samples of a second may still come.
const LATE_S: u32 = 2;

/// The samples of a storm.
#[derive(Default)]
pub struct Series {
    totals: FxHashMap<Key, Histogram<u64>>,
    // Response times of flows by the second they were due, kept to the end: phases and the heat map need them.
    due: BTreeMap<u32, FxHashMap<Key, Sparse>>,
    // How flows ended, by the second they did.
    ended: BTreeMap<u32, FxHashMap<(u16, Ending), u64>>,
    // Everything else, until its second is over.
    open: BTreeMap<u32, FxHashMap<Key, Sparse>>,
    log: Option<LogWriter<Box<dyn Write + Send>>>,
}

impl Series {
    /// Writes a log as well, of a storm that began then.
    pub fn logging(to: Box<dyn Write + Send>, began: SystemTime) -> std::io::Result<Self> {
        Ok(Self {
            log: Some(LogWriter::begin(to, began)?),
            ..Self::default()
        })
    }

    /// Takes a sample.
    pub fn sample(&mut self, sample: &Sample) {
        let key = |clock| Key {
            class: sample.class,
            step: sample.step,
            ending: sample.ending,
            clock,
        };
        let done = second(sample.done_us);
        if sample.step == Step::Flow {
            let due = self.due.entry(second(sample.intended_us)).or_default();
            due.entry(key(Clock::Response)).or_default().record(sample.response_us());
            *self
                .ended
                .entry(done)
                .or_default()
                .entry((sample.class, sample.ending))
                .or_default() += 1;
        }
        let open = self.open.entry(done).or_default();
        open.entry(key(Clock::Service)).or_default().record(sample.service_us());
        if sample.step == Step::Flow {
            open.entry(key(Clock::Lag)).or_default().record(sample.lag_us());
        }
    }

    /// Takes what another process measured.
    pub fn absorb(&mut self, interval: &Interval) {
        let Interval { second, key, times } = interval;
        if key.step == Step::Flow && key.clock == Clock::Response {
            let due = self.due.entry(*second).or_default().entry(*key).or_default();
            times.iter_recorded().for_each(|value| {
                due.record_n(value.value_iterated_to(), value.count_since_last_iteration());
            });
            return;
        }
        if key.step == Step::Flow && key.clock == Clock::Service {
            let ended = self.ended.entry(*second).or_default();
            *ended.entry((key.class, key.ending)).or_default() += times.len();
        }
        add(&mut self.totals, *key, times);
    }

    /// Closes the seconds that are over at this one: they go to the log.
    pub fn close_until(&mut self, now: u32) -> std::io::Result<()> {
        while let Some(first) = self.open.first_entry()
            && first.key().saturating_add(LATE_S) <= now
        {
            let (second, kinds) = first.remove_entry();
            self.close(second, kinds)?;
        }
        Ok(())
    }

    /// Closes everything.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.close_until(u32::MAX)?;
        if let Some(log) = &mut self.log {
            for (second, kinds) in &self.due {
                for (key, times) in sorted(kinds) {
                    log.write(*second, *key, &times.histogram())?;
                }
            }
            log.flush()?;
        }
        Ok(())
    }

    fn close(&mut self, second: u32, kinds: FxHashMap<Key, Sparse>) -> std::io::Result<()> {
        for (key, times) in sorted(&kinds) {
            let times = times.histogram();
            if let Some(log) = &mut self.log {
                log.write(second, *key, &times)?;
            }
            add(&mut self.totals, *key, &times);
        }
        match &mut self.log {
            Some(log) => log.flush(),
            None => Ok(()),
        }
    }

    /// All times whose kind is wanted. Seconds that are still open are not in it.
    pub fn total(&self, wanted: impl Fn(&Key) -> bool) -> Histogram<u64> {
        let mut all = histogram();
        for (_, times) in self.totals.iter().filter(|(key, _)| wanted(key)) {
            // They resize by themselves and have the same digits.
            let _ = all.add(times);
        }
        all
    }

    /// Response times of the flows that were due in these seconds and are wanted.
    pub fn responses(&self, due: std::ops::Range<u32>, wanted: impl Fn(&Key) -> bool) -> Histogram<u64> {
        let mut all = Sparse::default();
        for (_, kinds) in self.due.range(due) {
            kinds
                .iter()
                .filter(|(key, _)| wanted(key))
                .for_each(|(_, times)| all.merge(times));
        }
        all.histogram()
    }

    /// How many flows of each ending were due in these seconds and are wanted.
    pub fn endings(&self, due: std::ops::Range<u32>, wanted: impl Fn(&Key) -> bool) -> BTreeMap<Ending, u64> {
        let mut all = BTreeMap::new();
        for (_, kinds) in self.due.range(due) {
            for (key, times) in kinds.iter().filter(|(key, _)| wanted(key)) {
                *all.entry(key.ending).or_default() += times.len();
            }
        }
        all
    }

    /// How many flows ended how in each second, of the classes that are wanted.
    pub fn ended(&self, wanted: impl Fn(u16) -> bool) -> BTreeMap<u32, BTreeMap<Ending, u64>> {
        let mut all: BTreeMap<u32, BTreeMap<Ending, u64>> = BTreeMap::new();
        for (second, counts) in &self.ended {
            for ((_, ending), count) in counts.iter().filter(|((class, _), _)| wanted(*class)) {
                *all.entry(*second).or_default().entry(*ending).or_default() += count;
            }
        }
        all
    }

    /// The kinds of steps of a class that were measured.
    pub fn steps(&self, class: u16) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .totals
            .keys()
            .filter(|key| key.class == class)
            .map(|key| key.step)
            .collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// The last second in which anything was due or done; `None` when nothing was.
    pub fn last_second(&self) -> Option<u32> {
        let due = self.due.last_key_value().map(|(second, _)| *second);
        due.max(self.ended.last_key_value().map(|(second, _)| *second))
    }
}

/// Percentiles of one clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    pub count: u64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// The percentiles of a clock.
pub fn percentiles(times: &Histogram<u64>) -> Percentiles {
    let ms = |us: u64| us as f64 / 1000.0;
    Percentiles {
        count: times.len(),
        mean_ms: if times.is_empty() { 0.0 } else { times.mean() / 1000.0 },
        p50_ms: ms(times.value_at_quantile(0.5)),
        p90_ms: ms(times.value_at_quantile(0.9)),
        p99_ms: ms(times.value_at_quantile(0.99)),
        p999_ms: ms(times.value_at_quantile(0.999)),
        max_ms: ms(times.max()),
    }
}

fn second(us: u64) -> u32 {
    u32::try_from(us / 1_000_000).unwrap_or(u32::MAX)
}

/// In the order of the keys, so that the same samples make the same log.
fn sorted(kinds: &FxHashMap<Key, Sparse>) -> Vec<(&Key, &Sparse)> {
    let mut kinds: Vec<_> = kinds.iter().collect();
    kinds.sort_unstable_by_key(|(key, _)| **key);
    kinds
}

fn add(totals: &mut FxHashMap<Key, Histogram<u64>>, key: Key, times: &Histogram<u64>) {
    // They resize by themselves and have the same digits.
    let _ = totals.entry(key).or_insert_with(histogram).add(times);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::log::read;
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn flow(nth: u64, ending: Ending) -> Sample {
        let intended_us = nth * 10_000;
        Sample {
            class: (nth % 2) as u16,
            step: Step::Flow,
            ending,
            intended_us,
            started_us: intended_us + 1_000,
            done_us: intended_us + 800_000 + nth * 100,
            human_us: 500_000,
        }
    }

    /// Ten seconds of a hundred arrivals each; every tenth is abandoned.
    fn measured(series: &mut Series, which: impl Fn(u64) -> bool) {
        for nth in (0..1000).filter(|nth| which(*nth)) {
            let ending = if nth % 10 == 9 { Ending::Abandoned } else { Ending::Completed };
            let sample = flow(nth, ending);
            series.sample(&sample);
            series.close_until(second(sample.done_us)).unwrap();
        }
        series.finish().unwrap();
    }

    fn everything(series: &Series) -> (Percentiles, BTreeMap<Ending, u64>, Percentiles, u32) {
        let responses = percentiles(&series.responses(0..u32::MAX, |_| true));
        let lag = percentiles(&series.total(|key| key.clock == Clock::Lag));
        (
            responses,
            series.endings(0..u32::MAX, |_| true),
            lag,
            series.last_second().unwrap(),
        )
    }

    #[test]
    fn people_s_own_time_is_in_no_clock_and_every_arrival_is_counted_once() {
        let mut series = Series::default();
        measured(&mut series, |_| true);
        let (responses, endings, lag, last) = everything(&series);
        assert_eq!(endings, BTreeMap::from([(Ending::Completed, 900), (Ending::Abandoned, 100)]));
        assert_eq!((responses.count, lag.count, last), (1000, 1000, 10));
        assert!(
            (responses.p50_ms - 350.0).abs() < 1.0 && (lag.p50_ms - 1.0).abs() < 0.01,
            "{responses:?} {lag:?}"
        );
        let service = percentiles(&series.total(|key| key.clock == Clock::Service));
        assert!((service.p50_ms - 349.0).abs() < 1.0, "{service:?}");
        let due: u64 = series.endings(3..4, |_| true).values().sum();
        assert_eq!(due, 100, "by the second they were due");
        let ended: u64 = series.ended(|class| class == 1).values().flat_map(BTreeMap::values).sum();
        assert_eq!(ended, 500, "of one class");
    }

    #[test]
    fn the_logs_of_three_workers_come_to_the_same_as_one_recorder() {
        let mut whole = Series::default();
        measured(&mut whole, |_| true);
        let mut merged = Series::default();
        for worker in 0..3 {
            let log = Shared::default();
            let mut series = Series::logging(Box::new(log.clone()), SystemTime::now()).unwrap();
            measured(&mut series, |nth| nth % 3 == worker);
            let log = log.0.lock().unwrap().clone();
            read(&log).for_each(|interval| merged.absorb(&interval.unwrap()));
        }
        assert_eq!(everything(&merged), everything(&whole));
        assert_eq!(merged.ended(|_| true), whole.ended(|_| true));
        assert_eq!(merged.steps(0), whole.steps(0));
    }
}
