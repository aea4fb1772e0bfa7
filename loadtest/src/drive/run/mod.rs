//! One storm from its plan to its record.
//!
//! - `plan`: what is to be run.
//! - `service`: what is under load, and the sink it delivers to.
//! - `probe`: whether codes reach the sink.
//! - `people`: who walks.
//! - `gather`: what is made of samples while it runs.

mod aggregate;
mod people;
mod plan;
mod probe;
mod service;

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;

pub use plan::{Plan, View};
pub use service::{Bound, Choice, Listen, Native, UnderLoad};

use crate::drive::engine::{self, ClientPolicy, EngineConfig, Ran, StopReason};
use crate::history::{Histories, Prepared, judge};
use crate::measure::RunData;
use crate::measure::resources::{Meter, Moment, cores};
use crate::measure::{Clock, Ending, Key, Series, Step, percentiles};
use crate::plan::arrivals::Schedule;
use crate::plan::scenario::{Fault, Scenario};
use crate::record::LOG;
use crate::record::{Attack, ClassRecord, Deliveries, FORMAT, Generator, Record, Resources, Safety, Tool};
use crate::report::live::{LiveState, Observe, metrics, terminal};
use crate::verdict::limits::{Observed, generator_limits};
use crate::verdict::{class_records, drain_s, thresholds, timeline, verdict};
use aggregate::{LastSecond, StormAggregator};
use people::{Accounts, People};

/// Runs the storm against the service, and judges it.
pub async fn storm(plan: &Plan, service: &UnderLoad) -> anyhow::Result<Record> {
    let scenario = Arc::clone(&plan.scenario);
    let schedule = Schedule::new(&scenario, plan.seed, plan.shard)?;
    let shards = plan.shard.map_or(1, |shard| shard.of);
    let people = Arc::new(People {
        population: service.population(&scenario, plan.seed, shards)?,
        lines: service.lines.clone(),
        mailbox: service.sink.mailbox.clone(),
        profile: Arc::new(service.profile.clone()),
        flows: plan.flows.clone(),
        seed: plan.seed,
        accounts: Accounts::default(),
        scenario: Arc::clone(&scenario),
    });
    let users = plan.users(&schedule);
    let histories = Arc::new(Histories::default());
    let live = LiveState::default();
    let mut observers = plan.observers.clone();
    if let Some(address) = plan.metrics {
        observers.push(serve_metrics(address, &scenario, &live).await?);
    }
    let gather = StormAggregator {
        scenario: Arc::clone(&scenario),
        series: series(plan)?,
        histories: Arc::clone(&histories),
        mailbox: service.sink.mailbox.clone(),
        live: live.clone(),
        observers,
        second: LastSecond::default(),
    };
    let before = service.sink.mailbox.counts();
    let reconnected = service.lines.reconnects();
    let meter = Meter::start(service.watched(), {
        let live = live.clone();
        move || moment(&live)
    });
    let running = engine::run(
        people,
        schedule,
        config(plan, &scenario, users, &service.origin),
        Box::new(gather),
        plan.stop.clone(),
    );
    let events = order_faults(&scenario, service, &live);
    let shown = show(plan, &scenario, &live);
    let (ran, data) = tokio::select! {
        ran = running => ran?,
        () = async { tokio::join!(events, shown); } => anyhow::bail!("the live view ended before the storm"),
    };
    let resources = since_the_beginning(meter.stop().await);
    service.sink.faults.clear();
    let after = service.sink.mailbox.counts();
    let safety = judge_histories(&histories, service, &scenario);
    let mut deliveries = deliveries(&data.series);
    (deliveries.push, deliveries.email) = (after.push_codes - before.push_codes, after.email_codes - before.email_codes);
    deliveries.sends_per_login = sends_per_login(&data.series, &deliveries);
    let mut record = record(
        plan,
        service,
        users,
        &ran,
        &data,
        safety,
        histories.attack(),
        deliveries,
        resources,
    );
    record.generator.reconnects = service
        .lines
        .reconnects()
        .zip(reconnected)
        .map(|(now, before)| now.zip(before, |now, before| now - before));
    Ok(record)
}

/// The record of a run.
#[allow(
    clippy::too_many_arguments,
    reason = "each is one part of the record, and nothing else needs them together"
)]
fn record(
    plan: &Plan,
    service: &UnderLoad,
    users: usize,
    ran: &Ran,
    data: &RunData,
    safety: Safety,
    attack: Attack,
    deliveries: Deliveries,
    resources: Vec<Resources>,
) -> Record {
    let scenario = &*plan.scenario;
    let classes = class_records(scenario, data);
    let drain = drain_s(
        scenario,
        &data.series,
        ran.last_due.as_secs_f64(),
        ran.stop_reason == StopReason::No,
    );
    let attackers = scenario.classes.iter().any(|class| class.attacker);
    let attack = attackers.then(|| Attack {
        collateral: collateral(&classes),
        ..attack
    });
    let thresholds = thresholds(scenario, &data.series, drain, attack.as_ref());
    let mut limits = generator_limits(&Observed {
        schedule_lag_p99_ms: percentiles(&ran.schedule_lag).p99_ms,
        scheduling_delay_p99_ms: (!data.scheduling_delay.is_empty()).then(|| percentiles(&data.scheduling_delay).p99_ms),
        resources: &resources,
        cores: cores(),
        server_here: service.here(),
        no_ports: complaints(data, "Cannot assign requested address"),
        no_files: complaints(data, "Too many open files"),
        sink_backlog_ms: 0.0,
    });
    limits.extend(too_few_users(plan, users, ran));
    limits.extend(too_few_connections(service, ran));
    if let Some(error) = &data.log_error {
        limits.push(format!("the log is not complete: {error}"));
    }
    let verdict = verdict(&classes, &thresholds, &safety, attack.as_ref(), &limits);
    Record {
        format: FORMAT,
        tool: Tool {
            name: "stepproof-load".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        scenario: scenario.clone(),
        seed: plan.seed,
        target: service.facts(),
        started_at: rfc3339(ran.began),
        took_s: ran.took.as_secs_f64(),
        shard: plan.shard,
        interrupted: ran.stop_reason == StopReason::Interrupted,
        seconds: timeline(scenario, &data.series),
        classes,
        deliveries,
        attack,
        safety,
        resources,
        generator: Generator {
            schedule_lag_p99_ms: percentiles(&ran.schedule_lag).p99_ms,
            limits,
            reconnects: None,
        },
        drain_s: drain,
        thresholds,
        verdict,
    }
}

fn moment(live: &LiveState) -> Moment {
    let frame = live.frame();
    Moment {
        at_s: frame.at_s,
        waiting: frame.waiting,
        under_way: frame.under_way,
    }
}

/// What was used before the first instant, while users were made ready, is no part of the storm.
fn since_the_beginning(mut resources: Vec<Resources>) -> Vec<Resources> {
    let before = resources.iter().take_while(|at| at.at_s <= 0.0).count();
    resources.drain(..before.saturating_sub(1));
    resources
}

/// Complaints that tell of this.
fn complaints(data: &RunData, sign: &str) -> u64 {
    data.complaints
        .iter()
        .filter(|(_, complaint)| complaint.contains(sign))
        .count() as u64
}

/// Fewer users than the storm needs, by the caller's wish, and arrivals that found none of them free.
fn too_few_users(plan: &Plan, users: usize, ran: &Ran) -> Option<String> {
    let schedule = Schedule::new(&plan.scenario, plan.seed, plan.shard).ok()?;
    let needed = plan::users(&plan.scenario, &schedule, plan.shard);
    let found_nobody = ran.vus_exhausted as f64 > ran.offered as f64 * 0.01;
    (users < needed && found_nobody).then(|| {
        format!(
            "{} of {} arrivals found all {users} users busy: the storm needs {needed}",
            ran.vus_exhausted, ran.offered
        )
    })
}

/// Phones that had to wait for a connection: the wait is the generator's, and is in the times of the service.
fn too_few_connections(service: &UnderLoad, ran: &Ran) -> Option<String> {
    let (waited, connections) = service.lines.waited_for_connections()?;
    (waited as f64 > ran.offered as f64 * 0.01).then(|| {
        format!(
            "a phone waited {waited} time(s) for one of {connections} connections, the most that open files allow: a higher \
             `ulimit -n` is needed"
        )
    })
}

fn series(plan: &Plan) -> anyhow::Result<Series> {
    let Some(out) = &plan.out else { return Ok(Series::default()) };
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let path = out.join(LOG);
    let log = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    let began = plan.start_at.unwrap_or_else(SystemTime::now);
    Series::logging(Box::new(BufWriter::new(log)), began).with_context(|| format!("{} cannot be written", path.display()))
}

fn config(plan: &Plan, scenario: &Scenario, users: usize, host: &str) -> EngineConfig {
    let policies = scenario.classes.iter().map(|class| ClientPolicy {
        name: class.name.clone(),
        patience: Duration::from_secs_f64(class.patience_s),
        retry: class.retry,
    });
    EngineConfig {
        host: host.to_owned(),
        users,
        policies: policies.collect(),
        drain: Duration::from_secs_f64(scenario.drain_s),
        seed: plan.seed,
        goose_report: plan.out.as_ref().map(|out| out.join("goose.json")),
        start_at: plan.start_at,
    }
}

async fn serve_metrics(address: std::net::SocketAddr, scenario: &Scenario, live: &LiveState) -> anyhow::Result<Arc<dyn Observe>> {
    let names: Vec<String> = scenario.classes.iter().map(|class| class.name.clone()).collect();
    let metrics = metrics::Metrics::new(&names, live.clone());
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("metrics cannot be served on {address}"))?;
    // Served until the process ends: Prometheus may come once more after the storm.
    tokio::spawn(metrics::serve(listener, Arc::clone(&metrics), std::future::pending()));
    Ok(metrics)
}

async fn show(plan: &Plan, scenario: &Scenario, live: &LiveState) {
    let title = format!("{}: {}", scenario.name, scenario.title);
    match plan.view {
        View::Redrawn => terminal::redrawn(live, &title, scenario.seconds, std::future::pending()).await,
        View::Plain => terminal::plain(live, std::future::pending()).await,
        View::None => std::future::pending().await,
    }
}

/// Lets the providers fail as the scenario says, by the storm's own time.
async fn order_faults(scenario: &Scenario, service: &UnderLoad, live: &LiveState) {
    let mut frames = live.subscribe();
    let began = loop {
        // The first frame comes within the first second of the storm.
        if frames.changed().await.is_err() {
            return std::future::pending().await;
        }
        let at_s = frames.borrow().at_s;
        if at_s > 0.0 {
            break tokio::time::Instant::now() - Duration::from_secs_f64(at_s);
        }
    };
    let mut turns: Vec<(f64, bool, Fault)> = Vec::new();
    for event in &scenario.events {
        turns.push((event.from_s, true, event.fault));
        turns.push((event.until_s, false, event.fault));
    }
    turns.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at_s, begins, fault) in turns {
        tokio::time::sleep_until(began + Duration::from_secs_f64(at_s)).await;
        if begins {
            service.sink.faults.apply(fault);
        } else {
            service.sink.faults.lift(fault);
        }
    }
    std::future::pending().await
}

fn judge_histories(histories: &Histories, service: &UnderLoad, scenario: &Scenario) -> Safety {
    let prepared = |_: u64| Prepared {
        trusted_device: service.prepares_trust(),
        two_step: true,
        messages_lost: false,
        providers_failed: !scenario.events.is_empty(),
    };
    let mut safety = judge(histories.drain(), &service.parameters, &prepared);
    safety.unjudged += histories.unfit();
    safety
}

fn deliveries(series: &Series) -> Deliveries {
    let service = |key: &Key| key.clock == Clock::Service && key.ending == Ending::Completed;
    Deliveries {
        lag: percentiles(&series.total(|key| service(key) && matches!(key.step, Step::Delivery(_)))),
        code_age: percentiles(&series.total(|key| service(key) && key.step == Step::CodeAge)),
        ..Deliveries::default()
    }
}

/// Code messages for each second step that was completed.
fn sends_per_login(series: &Series, deliveries: &Deliveries) -> f64 {
    let verified = series.total(|key| {
        key.step == Step::Exchange(targets::OperationKind::Verify)
            && key.clock == Clock::Service
            && key.ending == Ending::Completed
    });
    match verified.len() {
        0 => 0.0,
        logins => (deliveries.push + deliveries.email) as f64 / logins as f64,
    }
}

/// Legitimate arrivals that were refused or limited, as a part of those offered.
fn collateral(classes: &[ClassRecord]) -> f64 {
    let legitimate = || classes.iter().filter(|class| !class.attacker).map(|class| class.funnel);
    let offered: u64 = legitimate().map(|funnel| funnel.offered).sum();
    let turned_away: u64 = legitimate().map(|funnel| funnel.refused + funnel.limited).sum();
    if offered == 0 {
        0.0
    } else {
        turned_away as f64 / offered as f64
    }
}

fn rfc3339(moment: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(moment).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
