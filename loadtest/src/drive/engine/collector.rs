//! The thread that gathers what the users measured, a few times a second, and looks at the machine once a second. It is apart
//! from the runtime, so that a busy runtime does not make the measurements late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::recorder::SampleBuffers;
use super::scheduler::Counts;
use crate::history;
use crate::measure::{Attempts, RunData, Sample, Series, StormClock, count, histogram};

/// How often buffers are emptied.
const EVERY: Duration = Duration::from_millis(50);

/// Complaints kept of each class.
const COMPLAINTS: usize = 5;

/// What else wants to know of a storm while it runs.
pub trait Aggregator: Send {
    /// Where samples are kept.
    fn series(&mut self) -> &mut Series;

    /// Sees every sample.
    fn sample(&mut self, _sample: &Sample) {}

    /// Sees every operation; `attacker` says whose.
    fn operation(&mut self, _attacker: bool, _happened: history::Operation) {}

    /// Once a second, and once at the end.
    fn second(&mut self, _load: Load) {}

    /// What to give back at the end.
    fn done(self: Box<Self>) -> Series;
}

/// How much is going on at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Microseconds of the storm.
    pub at_us: u64,
    pub offered: u64,
    pub begun: u64,
    /// Attempts due and not begun.
    pub waiting: u64,
    pub under_way: u64,
}

/// Gathers until the other end of `over` is dropped.
pub(crate) fn gather(
    mut aggregator: Box<dyn Aggregator>,
    buffers: &Arc<SampleBuffers>,
    counts: &Counts,
    clock: StormClock,
    over: &Receiver<()>,
) -> RunData {
    let mut complaints: Vec<(u16, String)> = Vec::new();
    let mut attempts = BTreeMap::new();
    let mut scheduling_delay = histogram();
    let mut log_error = None;
    let mut next_second = 1;
    loop {
        let last = matches!(over.recv_timeout(EVERY), Err(RecvTimeoutError::Disconnected));
        buffers.empty(|buffer| {
            for sample in &buffer.samples {
                aggregator.series().sample(sample);
                aggregator.sample(sample);
            }
            for (attacker, operation) in buffer.operations {
                aggregator.operation(attacker, operation);
            }
            for lag_us in buffer.scheduling_delays_us {
                count(&mut scheduling_delay, lag_us);
            }
            for (class, first) in buffer.attempts {
                let of: &mut Attempts = attempts.entry(class).or_default();
                of.all += 1;
                of.first += u64::from(first);
            }
            for (class, what) in buffer.complaints {
                if complaints.iter().filter(|(whose, _)| *whose == class).count() < COMPLAINTS {
                    complaints.push((class, what));
                }
            }
        });
        let at_us = clock.now_us();
        if at_us / 1_000_000 >= next_second || last {
            next_second = at_us / 1_000_000 + 1;
            aggregator.second(Load {
                at_us,
                offered: counts.offered.load(Ordering::Relaxed),
                begun: counts.begun.load(Ordering::Relaxed),
                waiting: counts.waiting.load(Ordering::Relaxed),
                under_way: counts.under_way.load(Ordering::Relaxed),
            });
            let now = u32::try_from(at_us / 1_000_000).unwrap_or(u32::MAX);
            if let Err(error) = aggregator.series().close_until(now) {
                log_error.get_or_insert(error);
            }
        }
        if last {
            if let Err(error) = aggregator.series().finish() {
                log_error.get_or_insert(error);
            }
            return RunData {
                series: aggregator.done(),
                complaints,
                attempts,
                scheduling_delay,
                log_error,
            };
        }
    }
}
