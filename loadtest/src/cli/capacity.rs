//! `capacity`: the highest rate at which the SLO is met.

use std::path::PathBuf;
use std::sync::Arc;

use crate::drive::run::{Plan, View};
use crate::flow::Flows;
use crate::plan::scenario::library;
use crate::record::Record;
use crate::verdict::capacity::{Bounds, Probe, search, to_text};
use clap::Args;

use super::signals::Signals;
use super::storm::{Changes, at_rate, one, positive, stop_at};
use super::target::TargetArgs;
use super::{Failure, note, outputs, print};

#[derive(Debug, Args)]
pub(crate) struct Capacity {
    /// The storm that is scaled: one of the library, or a scenario file
    #[arg(long, default_value = "morning-peak")]
    storm: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    changes: Changes,
    /// The first rate, in arrivals a second on average
    #[arg(long, alias = "from", value_name = "R", default_value_t = 50.0, value_parser = positive)]
    start_rate: f64,
    /// The highest rate that is tried
    #[arg(long, alias = "most", value_name = "R", default_value_t = 20_000.0, value_parser = positive)]
    until_rate: f64,
    /// How close the highest rate that meets it and the lowest that does not come
    #[arg(long, alias = "precision", value_name = "PART", default_value_t = 0.05, value_parser = positive)]
    tolerance: f64,
    /// How often the answer must meet it in all
    #[arg(long, alias = "confirm", value_name = "N", default_value_t = 2)]
    repeats: u32,
    /// The seed of the first run; each further one has the next
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "stepproof-load-report")]
    report: PathBuf,
}

impl Capacity {
    pub(crate) async fn run(self, signals: &Signals, flows: &Flows) -> Result<u8, Failure> {
        let choice = self.target.choice()?;
        let until_rate = self
            .target
            .max_rate()
            .map_or(self.until_rate, |most| most.min(self.until_rate));
        let stop = stop_at(signals);
        let bounds = Bounds {
            start_rate: self.start_rate.min(until_rate),
            until_rate,
            tolerance: self.tolerance,
            repeats: self.repeats,
        };
        let mut nth = 0;
        let found = search(bounds, async |rate| {
            let scenario = library::open(&self.storm).map_err(Failure::file)?;
            let scenario = at_rate(self.changes.apply(scenario, None)?, rate)?;
            let plan = Plan {
                scenario: Arc::new(scenario),
                seed: self.seed + nth,
                shard: None,
                max_vus: None,
                out: None,
                start_at: None,
                metrics: None,
                view: View::None,
                stop: stop.clone(),
                observers: Vec::new(),
                flows: flows.clone(),
            };
            nth += 1;
            let record = one(&plan, &choice).await?;
            if record.interrupted {
                return Err(anyhow::anyhow!("interrupted: the search is not complete").into());
            }
            let probe = probe(rate, &record);
            note(&format!("{rate:>10.1}/s  p99 {:.1} ms  {:?}", probe.p99_ms, probe.verdict));
            Ok::<_, Failure>(probe)
        });
        let found = found.await?;
        print(&to_text(&found, "arrivals/s"));
        let json = serde_json::to_string_pretty(&found).map_err(anyhow::Error::from)?;
        std::fs::create_dir_all(&self.report).map_err(anyhow::Error::from)?;
        outputs::file(&self.report, "capacity.json", &json)?;
        Ok(match (found.passed, found.at_least) {
            (Some(_), _) => 0,
            (None, true) => 5,
            (None, false) => 1,
        })
    }
}

/// The figures of one run that the search needs.
fn probe(rate: f64, record: &Record) -> Probe {
    let people = record.classes.iter().filter(|class| !class.attacker);
    let completed: u64 = people.clone().map(|class| class.funnel.completed).sum();
    let worst = |of: fn(&crate::record::ClassRecord) -> f64| people.clone().map(of).fold(0.0, f64::max);
    let used = record
        .resources
        .first()
        .zip(record.resources.last())
        .and_then(|(first, last)| {
            let cpu = last.server_cpu_s? - first.server_cpu_s?;
            Some((cpu, last.at_s - first.at_s))
        });
    Probe {
        rate,
        verdict: record.verdict,
        completed_a_second: completed as f64 / record.scenario.seconds,
        p50_ms: worst(|class| class.response.p50_ms),
        p99_ms: worst(|class| class.response.p99_ms),
        server_cpu: used.filter(|(_, seconds)| *seconds > 0.0).map(|(cpu, seconds)| cpu / seconds),
        server_cpu_each: used.filter(|_| completed > 0).map(|(cpu, _)| cpu / completed as f64),
        drain_s: record.drain_s,
        generator_limits: record.generator.limits.clone(),
    }
}
