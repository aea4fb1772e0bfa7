//! The open loop. A thread of its own offers each arrival at its instant, whatever the service does; Goose's users take what
//! is due and walk it; nothing is ever dropped silently.
//!
//! - `scheduler`: the thread that keeps the schedule, first attempts and further ones.
//! - `pool`: Goose's users, and what they share. Goose's types stay there.
//! - `recorder`: how samples leave the users.
//! - `collector`: the thread that gathers them.

mod collector;
mod pool;
mod recorder;
mod scheduler;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use goose::goose::GooseUser;
use hdrhistogram::Histogram;

pub use collector::{Aggregator, Load};
pub use recorder::Recorder;

use crate::measure::{Ending, RunData, StormClock};
use crate::plan::arrivals::Arrival;
use crate::plan::scenario::Retry;

/// One attempt of one arrival.
#[derive(Clone, Copy, Debug)]
pub struct ScheduledAttempt {
    pub arrival: Arrival,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When the attempt is due, in microseconds of the storm.
    pub at_us: u64,
    /// Whether a user was free when it was offered.
    pub found_free: bool,
}

/// How an attempt went.
#[derive(Clone, Debug)]
pub struct IterationResult {
    pub ending: Ending,
    /// How much of it people took.
    pub human_us: u64,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// What went wrong, in words.
    pub complaint: Option<String>,
}

/// Walks what an arrival does.
pub trait Workload: Send + Sync + 'static {
    /// What a Goose user keeps from one arrival to the next, such as an open connection.
    type Kept: Send + 'static;

    /// What a user begins with.
    fn begin(&self) -> Self::Kept;

    /// One attempt. Its steps are recorded as it goes; the flow as a whole is recorded by the caller.
    fn walk(
        &self,
        goose: &mut GooseUser,
        kept: &mut Self::Kept,
        due: &ScheduledAttempt,
        clock: StormClock,
        recorder: &Recorder,
    ) -> impl Future<Output = IterationResult> + Send;
}

/// How one class behaves in the queue.
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    /// Its name, as Goose's own report shows it.
    pub name: String,
    /// How long one waits to be begun.
    pub patience: Duration,
    /// Whether one who is turned away tries again.
    pub retry: Option<Retry>,
}

/// What a storm needs besides its arrivals.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The origin under load, for Goose's own report.
    pub host: String,
    pub users: usize,
    pub policies: Vec<ClientPolicy>,
    /// How long after the last arrival what is under way is still worked on.
    pub drain: Duration,
    /// The seed of the delays before further attempts.
    pub seed: u64,
    /// Where Goose writes its own report, as JSON: its page leaves names as they are and loads scripts from elsewhere.
    pub goose_report: Option<std::path::PathBuf>,
    /// When the first instant is; without it, as soon as the users are ready.
    pub start_at: Option<SystemTime>,
}

/// Why a storm was over before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopReason {
    /// It was not.
    #[default]
    No,
    /// Somebody still waited at the end of the drain.
    DrainOver,
    /// It was stopped from outside.
    Interrupted,
}

/// What the engine itself has to tell.
#[derive(Debug)]
pub struct Ran {
    /// The moment of the first instant.
    pub began: SystemTime,
    /// How long it took from there.
    pub took: Duration,
    /// How late the scheduler offered arrivals, in microseconds.
    pub schedule_lag: Histogram<u64>,
    pub offered: u64,
    /// When the last arrival was due.
    pub last_due: Duration,
    /// Arrivals that found every user busy.
    pub vus_exhausted: u64,
    /// Whether it was cut short.
    pub stop_reason: StopReason,
    /// Flows that Goose itself counted: its second opinion.
    pub goose_counted: u64,
}

/// A way to stop a storm from outside.
#[derive(Clone, Debug)]
pub struct Stop {
    sender: Arc<tokio::sync::watch::Sender<StopReason>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            sender: Arc::new(tokio::sync::watch::Sender::new(StopReason::No)),
        }
    }
}

impl Stop {
    /// Stops it; what is under way is recorded as interrupted.
    pub fn now(&self) {
        self.stop(StopReason::Interrupted);
    }

    /// Until it is stopped.
    pub async fn stopped(&self) {
        // The sender is held here, so that it is not gone.
        let _ = self.watch().wait_for(|stop_reason| *stop_reason != StopReason::No).await;
    }

    pub(crate) fn stop(&self, why: StopReason) {
        self.sender.send_if_modified(|stop_reason| {
            let first = *stop_reason == StopReason::No;
            if first {
                *stop_reason = why;
            }
            first
        });
    }

    pub(crate) fn why(&self) -> StopReason {
        *self.sender.borrow()
    }

    pub(crate) fn watch(&self) -> tokio::sync::watch::Receiver<StopReason> {
        self.sender.subscribe()
    }
}

/// Runs a storm to its end.
pub async fn run<W: Workload>(
    workload: Arc<W>,
    schedule: impl Iterator<Item = Arrival> + Send + 'static,
    config: EngineConfig,
    aggregator: Box<dyn Aggregator>,
    stop: Stop,
) -> anyhow::Result<(Ran, RunData)> {
    pool::run(workload, schedule, config, aggregator, stop).await
}
