//! What is made of samples while the storm runs: the series and its log, the histories, the live view, Prometheus, Locust.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use hdrhistogram::Histogram;

use crate::drive::engine::{Gatherer, Load};
use crate::fleet::locust::LocustStats;
use crate::history::{Happened, Histories};
use crate::measure::{Ending, Sample, Series, Step, count, histogram};
use crate::plan::scenario::Scenario;
use crate::report::live::{LiveFrame, LiveState, Observe};
use crate::sink::Mailbox;

/// Gathers a storm.
pub(super) struct Gather {
    pub(super) scenario: Arc<Scenario>,
    pub(super) series: Series,
    pub(super) histories: Arc<Histories>,
    pub(super) mailbox: Mailbox,
    pub(super) live: LiveState,
    pub(super) observer: Option<Arc<dyn Observe>>,
    pub(super) locust: Option<Arc<LocustStats>>,
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

impl Gatherer for Gather {
    fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    fn sample(&mut self, sample: &Sample) {
        if let Some(observer) = &self.observer {
            observer.sample(sample);
        }
        if let Some(locust) = &self.locust {
            tell_locust(locust, &self.scenario, sample);
        }
        if sample.step == Step::Journey {
            let party = self.scenario.parties.get(usize::from(sample.party));
            self.second.journey(sample, party.is_some_and(|party| party.attacker));
        }
    }

    fn happened(&mut self, attacker: bool, happened: Happened) {
        self.histories.push(&happened, attacker);
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
    fn journey(&mut self, sample: &Sample, attacker: bool) {
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

/// Locust's page shows journeys by party, and exchanges by operation.
fn tell_locust(locust: &LocustStats, scenario: &Scenario, sample: &Sample) {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
    let ok = sample.ending == Ending::Completed;
    let error = (!ok).then(|| sample.ending.name());
    match sample.step {
        Step::Journey => {
            let party = scenario.parties.get(usize::from(sample.party));
            let name = party.map_or("journey", |party| party.name.as_str());
            locust.record(name, "FLOW", sample.response_us() as f64 / 1000.0, ok, error, now);
        }
        Step::Exchange(kind) => {
            locust.record(kind.name(), "STEP", sample.service_us() as f64 / 1000.0, ok, error, now);
        }
        Step::Delivery(_) | Step::CodeAge => {}
    }
}
