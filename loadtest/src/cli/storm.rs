//! `storm`: one storm, or the same one under several seeds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::drive::engine::Stop;
use crate::drive::preflight::{Machine, Needs, connections, preflight};
use crate::drive::run::{self, Plan, UnderLoad, View};
use crate::flow::Flows;
use crate::plan::Shard;
use crate::plan::Start;
use crate::plan::arrivals::Schedule;
use crate::plan::scenario::{Connection, Objective, Scenario, UserClass, check, library, load_slo};
use crate::record::{Record, Verdict};
use crate::report;
use anyhow::Context as _;
use clap::Args;
#[cfg(unix)]
use targets::terminal::Hushed;

use super::signals::{INTERRUPTED, Signals};
use super::target::TargetArgs;
use super::{Failure, note, outputs, print};

#[derive(Debug, Args)]
pub(crate) struct Storm {
    /// A storm of the library (see `list`), or a scenario file
    storm: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    changes: Changes,
    /// The seed of arrivals, identities and think times; drawn and told without it
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Runs it under this many seeds, and tells how probable it is that the service recovers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Goose users: flows that can be under way at once; worked out without it
    #[arg(long, alias = "users", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_vus: Option<u32>,
    /// Runs one part of the storm, such as 0/3: arrivals and identities i with i % 3 == 0
    #[arg(long, alias = "slice", value_name = "K/N", value_parser = shard, conflicts_with = "seeds", requires = "seed")]
    shard: Option<Shard>,
    /// Begins at this moment (RFC 3339, or seconds since 1970), as the other parts do
    #[arg(long, value_name = "T", conflicts_with = "seeds")]
    start_at: Option<Start>,
    /// Serves Prometheus's metrics here while it runs
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Where the record and the reports go
    #[arg(long, value_name = "DIR", default_value = "stepproof-load-report")]
    report: PathBuf,
    /// Shows nothing while it runs
    #[arg(long, short)]
    quiet: bool,
}

/// What is changed of a scenario.
#[derive(Clone, Debug, Args)]
pub(crate) struct Changes {
    /// Scales all arrivals so that the storm has this many a second on average
    #[arg(long, value_name = "R", value_parser = positive, conflicts_with = "scale")]
    rate: Option<f64>,
    /// Scales all arrivals by this
    #[arg(long, value_name = "X", value_parser = positive)]
    scale: Option<f64>,
    /// Squeezes or stretches the storm to this long
    #[arg(long, value_name = "S", value_parser = positive)]
    pub(crate) seconds: Option<f64>,
    /// Thresholds from a file, instead of the scenario's
    #[arg(long, value_name = "FILE")]
    slo: Option<PathBuf>,
    /// The 99th percentile of the response time of legitimate people is at most this
    #[arg(long, value_name = "MS", value_parser = positive)]
    slo_p99_ms: Option<f64>,
    /// At least this part of legitimate arrivals is completed
    #[arg(long, value_name = "PART", value_parser = positive)]
    slo_success: Option<f64>,
    /// Nobody waits any more so many seconds after it is over
    #[arg(long, value_name = "S", value_parser = positive)]
    slo_drain_s: Option<f64>,
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("not a number above 0".to_owned()),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("`{text}` is no part such as 0/3: K from 0, below N");
    let (index, of) = text.split_once('/').ok_or_else(wrong)?;
    let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index < of { Ok(Shard { index, of }) } else { Err(wrong()) }
}

impl Changes {
    /// The scenario as it is to be run.
    pub(crate) fn apply(&self, scenario: Scenario, max_rate: Option<f64>) -> Result<Scenario, Failure> {
        let mut scenario = match self.seconds {
            Some(seconds) => scenario.shortened(seconds),
            None => scenario,
        };
        if let Some(rate) = self.rate {
            scenario = at_rate(scenario, rate)?;
        }
        if let Some(factor) = self.scale {
            scenario = scenario.scaled(factor);
        }
        if let Some(most) = max_rate {
            let greatest = greatest_rate(&scenario)?;
            if greatest > most {
                return Err(Failure::usage(format!(
                    "the storm has up to {greatest:.1} arrivals a second, and --max-rate is {most}\nhint: scale it with --rate or --scale"
                )));
            }
        }
        if let Some(file) = &self.slo {
            scenario.slo = load_slo(file, &scenario).map_err(Failure::file)?;
        }
        if self.slo_p99_ms.is_some() || self.slo_success.is_some() {
            scenario.slo.objectives.push(Objective {
                p99_ms: self.slo_p99_ms,
                success: self.slo_success,
                ..Objective::default()
            });
        }
        scenario.slo.drain_s = self.slo_drain_s.or(scenario.slo.drain_s);
        check::sound(&scenario).map_err(Failure::file)?;
        Ok(scenario)
    }
}

/// The scenario with this many arrivals a second on average, all classes together.
pub(crate) fn at_rate(scenario: Scenario, rate: f64) -> Result<Scenario, Failure> {
    let schedule = Schedule::new(&scenario, 0, None).map_err(Failure::file)?;
    let factor = rate * scenario.seconds / schedule.expected();
    Ok(scenario.scaled(factor))
}

fn greatest_rate(scenario: &Scenario) -> Result<f64, Failure> {
    let schedule = Schedule::new(scenario, 0, None).map_err(Failure::file)?;
    let seconds = (0..=scenario.seconds.ceil() as u64).map(std::time::Duration::from_secs);
    let classes = u16::try_from(scenario.classes.len()).unwrap_or(u16::MAX);
    let rates = seconds.map(|at| (0..classes).map(|class| schedule.rate_at(class, at)).sum());
    Ok(rates.fold(0.0, f64::max))
}

impl Storm {
    pub(crate) async fn run(self, signals: &Signals, flows: &Flows) -> Result<u8, Failure> {
        let choice = self.target.choice()?;
        let scenario = library::open(&self.storm).map_err(Failure::file)?;
        let scenario = Arc::new(self.changes.apply(scenario, self.target.max_rate())?);
        if let Some(start) = self.start_at {
            start.check(std::time::SystemTime::now()).map_err(Failure::usage)?;
        }
        let first = self.seed.unwrap_or_else(|| rand::random::<u32>().into());
        let stop = stop_at(signals);
        let mut records: Vec<Record> = Vec::new();
        for nth in 0..u64::from(self.seeds) {
            let out = if self.seeds > 1 {
                self.report.join(format!("seed-{}", first + nth))
            } else {
                self.report.clone()
            };
            let plan = self.plan(&scenario, first + nth, out.clone(), stop.clone(), flows);
            let record = one(&plan, &choice).await?;
            print(&report::terminal::to_text(&record, true));
            outputs::write(&record, &out)?;
            note(&format!("record and reports: {}", out.display()));
            let interrupted = record.interrupted;
            records.push(record);
            if interrupted {
                return Ok(INTERRUPTED);
            }
        }
        if self.seeds > 1 {
            let recovery = report::probability::recovery(&records);
            print(&recovery.to_text());
            let json = recovery.json().map_err(anyhow::Error::from)?;
            outputs::file(&self.report, "recovery.json", &json)?;
        }
        let worst = records.iter().map(|record| record.verdict.exit_code());
        // A breach outweighs what could not be said, and that what went well.
        Ok(worst.max_by_key(|code| if *code == 1 { u8::MAX } else { *code }).unwrap_or(4))
    }

    fn plan(&self, scenario: &Arc<Scenario>, seed: u64, out: PathBuf, stop: Stop, flows: &Flows) -> Plan {
        Plan {
            scenario: Arc::clone(scenario),
            seed,
            shard: self.shard,
            max_vus: self.max_vus.map(|users| users as usize),
            out: Some(out),
            start_at: self.start_at.map(Start::time),
            metrics: self.metrics,
            view: view(self.quiet),
            stop,
            observers: Vec::new(),
            flows: flows.clone(),
        }
    }
}

/// How a storm is shown here.
pub(crate) fn view(quiet: bool) -> View {
    match quiet {
        true => View::None,
        false if targets::terminal::watched() => View::Redrawn,
        false => View::Plain,
    }
}

/// What the first signal stops.
pub(crate) fn stop_at(signals: &Signals) -> Stop {
    let stop = Stop::default();
    tokio::spawn({
        let (signals, stop) = (signals.clone(), stop.clone());
        async move {
            signals.first().await;
            stop.now();
        }
    });
    stop
}

/// Prepares and runs one storm against a service of its own. However it ends, what it started ends before this returns.
pub(crate) async fn one(plan: &Plan, choice: &run::Choice) -> Result<Record, Failure> {
    let connections = look_first(plan, choice)?;
    let service = unless_stopped(&plan.stop, UnderLoad::open(choice, connections)).await?;
    let record = async {
        let preparing = async {
            service.prepare(&plan.scenario, plan.seed, plan.shard).await?;
            service.probe(&plan.scenario, plan.seed, plan.shard).await
        };
        unless_stopped(&plan.stop, preparing).await?;
        // Goose says on standard output how many users it launched.
        #[cfg(unix)]
        let _hushed = Hushed::begin().context("standard output cannot be set aside")?;
        run::storm(plan, &service).await
    };
    let record = record.await;
    service.stop().await;
    let record = record?;
    if record.verdict == Verdict::GeneratorLimited && !record.interrupted {
        note("the generator was the limit: this run says nothing about the service");
    }
    Ok(record)
}

/// What comes before a storm, and is let go when that is stopped.
async fn unless_stopped<T>(stop: &Stop, preparing: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        prepared = preparing => prepared,
        () = stop.stopped() => anyhow::bail!("it was stopped before the storm began: there is nothing to tell"),
    }
}

/// Whether this machine has what the storm needs; how many connections may stand at once, where files are few.
fn look_first(plan: &Plan, choice: &run::Choice) -> Result<Option<usize>, Failure> {
    let schedule = Schedule::new(&plan.scenario, plan.seed, plan.shard).map_err(Failure::file)?;
    let cold = |class: &UserClass| class.connection == Connection::Cold;
    let needs = Needs {
        users: plan.users(&schedule) as u64,
        sinks: 64,
        idle_make_room: !matches!(choice, run::Choice::Bound(_)),
        new_connections_per_s: if plan.scenario.classes.iter().any(cold) {
            greatest_rate(&plan.scenario)?
        } else {
            0.0
        },
        sources: sources(&plan.scenario),
        loopback: true,
        threads: 2,
    };
    let problems = preflight(needs);
    for problem in &problems {
        note(&format!(
            "{}: {problem}; {}",
            if problem.fatal { "error" } else { "warning" },
            problem.hint
        ));
    }
    if problems.iter().any(|problem| problem.fatal) {
        return Err(anyhow::anyhow!("this machine has not enough for the storm").into());
    }
    Ok(connections(needs, &Machine::here()))
}

/// Source addresses that connections are spread over: the fewest that a class with cold connections has.
fn sources(scenario: &Scenario) -> u32 {
    let cold = scenario.classes.iter().filter(|class| class.connection == Connection::Cold);
    cold.map(|class| if class.sources == 0 { u32::MAX } else { class.sources })
        .min()
        .unwrap_or(u32::MAX)
}
