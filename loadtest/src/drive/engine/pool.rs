//! Goose's users: each walks one scenario with one transaction, in which it takes what is due until the queue is closed.
//! Goose's types stay in this file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction};
use goose::{GooseAttack, GooseError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

use super::collector::gather;
use super::recorder::SampleBuffers;
use super::scheduler::{Counts, Kept, Scheduler};
use super::{Aggregator, EngineConfig, IterationResult, Ran, Recorder, ScheduledAttempt, Stop, StopReason, Workload};
use crate::flow::Recorder as _;
use crate::measure::{Ending, RunData, Sample, Step, StormClock};
use crate::plan::Start;
use crate::plan::arrivals::Arrival;
use crate::plan::scenario::{Jitter, Retry};

/// How long Goose has for starting its users.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What the users share.
struct Shared<W> {
    workload: Arc<W>,
    config: EngineConfig,
    // Taken one at a time, in order: a user holds the lock only while it waits for what is due next.
    queue: tokio::sync::Mutex<UnboundedReceiver<ScheduledAttempt>>,
    again: mpsc::Sender<ScheduledAttempt>,
    buffers: Arc<SampleBuffers>,
    counts: Arc<Counts>,
    clock: watch::Receiver<Option<StormClock>>,
    ready: AtomicUsize,
    all_ready: tokio::sync::Notify,
    stop: Stop,
}

/// The threads of a storm that has begun.
struct Begun {
    began: SystemTime,
    clock: StormClock,
    scheduler: JoinHandle<Kept>,
    collector: JoinHandle<RunData>,
    // Dropped when the collector shall end.
    over: mpsc::Sender<()>,
}

pub(crate) async fn run<W: Workload>(
    workload: Arc<W>,
    schedule: impl Iterator<Item = Arrival> + Send + 'static,
    config: EngineConfig,
    aggregator: Box<dyn Aggregator>,
    outer: Stop,
) -> anyhow::Result<(Ran, RunData)> {
    // The caller's word stops this storm; this storm's end is no word to the caller's others.
    let stop = Stop::default();
    let rendered = tokio::spawn({
        let stop = stop.clone();
        async move {
            outer.stopped().await;
            stop.now();
        }
    });
    let (offer, queue) = unbounded_channel();
    let (again, again_at) = mpsc::channel();
    let (begin, clock) = watch::channel(None);
    let counts = Arc::new(Counts::default());
    let users = config.users.max(1);
    let report = config.goose_report.clone();
    let attack = GooseAttack::initialize_with_config(configuration(&config, users))?;
    let scheduler = Scheduler {
        schedule: schedule.peekable(),
        again: again_at,
        offer,
        counts: Arc::clone(&counts),
        users: users as u64,
        drain: config.drain,
        stop: stop.clone(),
    };
    let shared = Arc::new(Shared {
        workload,
        config,
        queue: tokio::sync::Mutex::new(queue),
        again,
        buffers: Arc::default(),
        counts: Arc::clone(&counts),
        clock,
        ready: AtomicUsize::new(0),
        all_ready: tokio::sync::Notify::new(),
        stop: stop.clone(),
    });
    let beginning = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { begin_when_ready(&shared, users, scheduler, aggregator, &begin).await }
    });
    let transaction = drive(Arc::clone(&shared));
    let metrics = attack
        .register_scenario(Scenario::new("storm").register_transaction(transaction))
        .execute()
        .await
        .map_err(|error| gave_up(error, report.as_deref()));
    // Whatever ended Goose, nobody is left to take what is due.
    let stop_reason = stop.why();
    stop.stop(StopReason::Interrupted);
    rendered.abort();
    let begun = beginning.await.context("the storm could not begin")?;
    let metrics = metrics?;
    let Some(begun) = begun? else {
        bail!("it was stopped before it began");
    };
    let Begun {
        began,
        clock,
        scheduler,
        collector,
        over,
    } = begun;
    let Ok(kept) = scheduler.join() else {
        bail!("the schedule broke off")
    };
    let took = Duration::from_micros(clock.now_us());
    drop(over);
    let Ok(data) = collector.join() else {
        bail!("the collector broke off")
    };
    let counted = |request: &goose::metrics::GooseRequestMetricAggregate| request.success_count + request.fail_count;
    let ran = Ran {
        began,
        took,
        schedule_lag: kept.lag,
        offered: counts.offered.load(Ordering::Relaxed),
        last_due: kept.last_due,
        vus_exhausted: counts.vus_exhausted.load(Ordering::Relaxed),
        stop_reason,
        goose_counted: metrics.requests.values().map(counted).sum::<usize>() as u64,
    };
    Ok((ran, data))
}

/// Goose's own words leave out which file could not be written, and why.
fn gave_up(error: GooseError, report: Option<&Path>) -> anyhow::Error {
    match (error, report) {
        (GooseError::InvalidOption { value, detail, .. }, _) => anyhow::anyhow!("Goose gave up: {value}: {detail}"),
        // Nothing else is serialised.
        (GooseError::Serde(why), Some(report)) => anyhow::anyhow!("Goose gave up: {}: {why}", report.display()),
        (other, _) => anyhow::Error::new(other).context("Goose gave up"),
    }
}

/// Each user walks the scenario once, and that is the whole storm. Nothing listens; what Goose prints is how many users it
/// launched, which it cannot be told to leave out.
fn configuration(config: &EngineConfig, users: usize) -> GooseConfiguration {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(config.host.clone());
    configuration.users = Some(users);
    configuration.increase_rate = Some("10000".to_owned());
    configuration.iterations = Some(1);
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_telnet = true;
    // Goose makes an HTTP client for each user, which no storm uses: without certificates to read they cost next to nothing.
    configuration.accept_invalid_certs = true;
    if let Some(report) = &config.goose_report {
        configuration.report_file = vec![report.display().to_string()];
    }
    configuration
}

/// Waits until every user is ready, sets the first instant, and starts the threads; `None` when it was stopped before.
async fn begin_when_ready<W: Workload>(
    shared: &Arc<Shared<W>>,
    users: usize,
    scheduler: Scheduler<impl Iterator<Item = Arrival> + Send + 'static>,
    aggregator: Box<dyn Aggregator>,
    begin: &watch::Sender<Option<StormClock>>,
) -> anyhow::Result<Option<Begun>> {
    let mut stopped = shared.stop.watch();
    let ready = tokio::select! {
        ready = tokio::time::timeout(READY_WITHIN, shared.all_ready.notified()) => ready.is_ok(),
        _ = stopped.wait_for(|stop_reason| *stop_reason != StopReason::No) => return Ok(None),
    };
    if !ready {
        let ready = shared.ready.load(Ordering::SeqCst);
        shared.stop.stop(StopReason::Interrupted);
        bail!("only {ready} of {users} users were ready within {} s", READY_WITHIN.as_secs());
    }
    let now = SystemTime::now();
    if let Some(at) = shared.config.start_at
        && let Err(late) = Start::at(at).check(now)
    {
        shared.stop.stop(StopReason::Interrupted);
        bail!("{late}; preparing took longer than the start was away");
    }
    let began = shared.config.start_at.map_or(now, |at| at.max(now));
    let clock = StormClock::from(Instant::now() + began.duration_since(now).unwrap_or_default());
    let (over, ends) = mpsc::channel();
    let collector = std::thread::Builder::new().name("collector".to_owned()).spawn({
        let (buffers, counts) = (Arc::clone(&shared.buffers), Arc::clone(&shared.counts));
        move || gather(aggregator, &buffers, &counts, clock, &ends)
    })?;
    let scheduler = std::thread::Builder::new()
        .name("schedule".to_owned())
        .spawn(move || scheduler.keep(clock))?;
    begin.send_replace(Some(clock));
    Ok(Some(Begun {
        began,
        clock,
        scheduler,
        collector,
        over,
    }))
}

fn drive<W: Workload>(shared: Arc<Shared<W>>) -> Transaction {
    Transaction::new(Arc::new(move |goose| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let nth = shared.ready.fetch_add(1, Ordering::SeqCst);
            if nth + 1 == shared.config.users.max(1) {
                shared.all_ready.notify_one();
            }
            let mut clock = shared.clock.clone();
            let Ok(clock) = clock.wait_for(Option::is_some).await.map(|clock| *clock) else {
                return Ok(());
            };
            let Some(clock) = clock else { return Ok(()) };
            let user = User {
                recorder: Recorder::new(Arc::clone(&shared.buffers), nth),
                kept: shared.workload.begin(),
                stop: shared.stop.watch(),
                shared,
                clock,
            };
            user.serve(goose).await;
            Ok(())
        })
    }))
}

/// One of Goose's users.
struct User<W: Workload> {
    shared: Arc<Shared<W>>,
    recorder: Recorder,
    kept: W::Kept,
    clock: StormClock,
    stop: watch::Receiver<StopReason>,
}

impl<W: Workload> User<W> {
    /// Takes what is due until the queue is closed and empty.
    async fn serve(mut self, goose: &mut GooseUser) {
        loop {
            let next = self.shared.queue.lock().await.recv().await;
            let Some(due) = next else { return };
            self.shared.counts.waiting.fetch_sub(1, Ordering::AcqRel);
            self.take(goose, due).await;
        }
    }

    async fn take(&mut self, goose: &mut GooseUser, due: ScheduledAttempt) {
        let counts = Arc::clone(&self.shared.counts);
        let started_us = self.clock.now_us();
        let patience = self.shared.config.policies[usize::from(due.arrival.class)].patience;
        let given_up = started_us.saturating_sub(due.at_us) > u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
        let stop_reason = *self.stop.borrow();
        let result = if stop_reason == StopReason::Interrupted {
            IterationResult::without_a_start(Ending::Interrupted)
        } else if given_up || stop_reason == StopReason::DrainOver {
            IterationResult::without_a_start(Ending::Abandoned)
        } else {
            counts.begun.fetch_add(1, Ordering::Relaxed);
            self.recorder.attempt(due.arrival.class, due.attempt == 1);
            if due.found_free {
                self.recorder.scheduling_delay(started_us.saturating_sub(due.at_us));
            }
            counts.under_way.fetch_add(1, Ordering::AcqRel);
            let mut stop = self.stop.clone();
            let result = tokio::select! {
                biased;
                _ = stop.wait_for(|stop_reason| *stop_reason != StopReason::No) => IterationResult::without_a_start(Ending::Interrupted),
                result = self.shared.workload.walk(goose, &mut self.kept, &due, self.clock, &self.recorder) => result,
            };
            counts.under_way.fetch_sub(1, Ordering::AcqRel);
            result
        };
        if let Some(again) = self.again(&due, &result) {
            self.recorder.hand_over();
            if self.shared.again.send(again).is_ok() {
                return;
            }
        }
        self.end(goose, &due, started_us, result).await;
        counts.outstanding.fetch_sub(1, Ordering::AcqRel);
    }

    /// The next attempt, where there is one.
    fn again(&self, due: &ScheduledAttempt, result: &IterationResult) -> Option<ScheduledAttempt> {
        let policies = &self.shared.config.policies[usize::from(due.arrival.class)];
        let retry = policies.retry.filter(|retry| due.attempt < retry.attempts)?;
        let turned_away = matches!(
            result.ending,
            Ending::Limited | Ending::Failed | Ending::Unanswered | Ending::NoCode
        );
        if !turned_away || self.shared.stop.why() != StopReason::No {
            return None;
        }
        let delay = delay(&retry, due, result.retry_after, self.shared.config.seed);
        Some(ScheduledAttempt {
            arrival: due.arrival,
            attempt: due.attempt + 1,
            found_free: true,
            at_us: self.clock.now_us() + u64::try_from(delay.as_micros()).unwrap_or(u64::MAX / 2),
        })
    }

    /// Enters the arrival as a whole, once, here and with Goose.
    async fn end(&mut self, goose: &mut GooseUser, due: &ScheduledAttempt, started_us: u64, result: IterationResult) {
        let sample = Sample {
            class: due.arrival.class,
            step: Step::Flow,
            ending: result.ending,
            intended_us: u64::try_from(due.arrival.at.as_micros()).unwrap_or(u64::MAX),
            started_us,
            done_us: self.clock.now_us(),
            human_us: result.human_us,
        };
        self.recorder.sample(sample);
        if let Some(what) = result.complaint {
            self.recorder
                .complain(due.arrival.class, format!("arrival {}: {what}", due.arrival.nth));
        }
        self.recorder.hand_over();
        if matches!(result.ending, Ending::Abandoned | Ending::Interrupted) {
            return;
        }
        let completed = result.ending == Ending::Completed;
        let shared = Arc::clone(&self.shared);
        let name = &shared.config.policies[usize::from(due.arrival.class)].name;
        let response = Duration::from_micros(sample.response_us());
        let error = (!completed).then(|| result.ending.name());
        // An error of this call is the failure that it was just told, handed back for the transaction.
        let _ = goose
            .record_custom_request_duration("FLOW", name, response, completed, None, error)
            .await;
    }
}

impl IterationResult {
    fn without_a_start(ending: Ending) -> Self {
        Self {
            ending,
            human_us: 0,
            retry_after: None,
            complaint: None,
        }
    }
}

/// How long one waits before the next attempt: doubled each time, a part of it by chance where there is jitter, and at least
/// what the service asked for where that is honoured. The same seed gives the same delays.
fn delay(retry: &Retry, due: &ScheduledAttempt, retry_after: Option<Duration>, seed: u64) -> Duration {
    let doubled = retry.delay_s * f64::from(2u32.saturating_pow(due.attempt.saturating_sub(1).min(16)));
    let mut chance = StdRng::seed_from_u64(seed ^ due.arrival.nth.rotate_left(20) ^ u64::from(due.attempt));
    let part: f64 = match retry.jitter {
        Jitter::None => 1.0,
        Jitter::Full => chance.random(),
    };
    let delay = Duration::try_from_secs_f64(doubled * part).unwrap_or(Duration::MAX / 4);
    match retry_after {
        Some(asked) if retry.honours_retry_after => {
            // Spread beyond the asked moment, where there is jitter: else everybody honours it at once.
            let spread = if retry.jitter == Jitter::Full { delay } else { Duration::ZERO };
            delay.max(asked.saturating_add(spread))
        }
        _ => delay,
    }
}
