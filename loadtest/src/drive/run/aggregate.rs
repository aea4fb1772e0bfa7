//! What is made of samples while the storm runs: the series and its log, the histories, the live view, and whoever else observes.

use std::sync::Arc;

use hdrhistogram::Histogram;

use crate::drive::engine::{Aggregator, Load};
use crate::history;
use crate::history::Histories;
use crate::measure::{Ending, Sample, Series, Step, count, histogram};
use crate::plan::scenario::Scenario;
use crate::report::live::{LiveFrame, LiveState, Observe};
use crate::sink::Mailbox;

/// Gathers a storm.
pub(super) struct StormAggregator {
    pub(super) scenario: Arc<Scenario>,
    pub(super) series: Series,
    pub(super) histories: Arc<Histories>,
    pub(super) mailbox: Mailbox,
    pub(super) live: LiveState,
    pub(super) observers: Vec<Arc<dyn Observe>>,
    pub(super) second: LastSecond,
}

/// What the live view tells of the last second.
pub(super) struct LastSecond {
    frame: LiveFrame,
    response: Histogram<u64>,
    lag: Histogram<u64>,
    offered: u64,
}

impl Default for LastSecond {
    fn default() -> Self {
        Self {
            frame: LiveFrame::default(),
            response: histogram(),
            lag: histogram(),
            offered: 0,
        }
    }
}

impl Aggregator for StormAggregator {
    fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    fn sample(&mut self, sample: &Sample) {
        for observer in &self.observers {
            observer.sample(sample);
        }
        if sample.step == Step::Flow {
            let class = self.scenario.classes.get(usize::from(sample.class));
            self.second.flow(sample, class.is_some_and(|class| class.attacker));
        }
    }

    fn operation(&mut self, attacker: bool, operation: history::Operation) {
        self.histories.push(&operation, attacker);
    }

    fn second(&mut self, load: Load) {
        let at_s = load.at_us as f64 / 1e6;
        let codes = self.mailbox.counts();
        let phase = self.scenario.phases.iter().rev().find(|phase| phase.from_s <= at_s);
        let last = &mut self.second;
        let since = (at_s - last.frame.at_s).max(0.001);
        last.frame.rate_now = load.offered.saturating_sub(last.offered) as f64 / since;
        last.offered = load.offered;
        last.frame.at_s = at_s;
        last.frame.phase = phase.map(|phase| phase.name.clone()).unwrap_or_default();
        last.frame.offered = load.offered;
        last.frame.started = load.begun;
        last.frame.waiting = load.waiting;
        last.frame.under_way = load.under_way;
        last.frame.codes_push = codes.push_codes;
        last.frame.codes_email = codes.email_codes;
        last.take_percentiles();
        self.live.publish(last.frame.clone());
    }

    fn done(self: Box<Self>) -> Series {
        self.series
    }
}

impl LastSecond {
    fn flow(&mut self, sample: &Sample, attacker: bool) {
        count(&mut self.lag, sample.lag_us());
        match sample.ending {
            _ if attacker => self.frame.attacks += 1,
            Ending::Completed => {
                self.frame.completed += 1;
                count(&mut self.response, sample.response_us());
            }
            Ending::Abandoned => self.frame.abandoned += 1,
            _ => self.frame.broken_off += 1,
        }
    }

    fn take_percentiles(&mut self) {
        let at =
            |times: &Histogram<u64>, quantile| (!times.is_empty()).then(|| times.value_at_quantile(quantile) as f64 / 1000.0);
        self.frame.p50_ms = at(&self.response, 0.5);
        self.frame.p99_ms = at(&self.response, 0.99);
        self.frame.lag_p99_ms = at(&self.lag, 0.99);
        self.response.reset();
        self.lag.reset();
    }
}
