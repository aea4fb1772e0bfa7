//! Runs checks and the cases of the state machine, and tells events. It prints nothing, knows no reporter, and is stopped from
//! outside.
//!
//! - `work`: one check, from its target to its verdict.
//! - `model_cases`: the cases of the state machine.
//! - `describe`: what is known about a run and its checks before anything was done.
//! - `tally`: what the verdicts add up to, and whether enough was tested to say so.

mod describe;
mod model_cases;
mod tally;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::RngExt;
use specs::Profile;
use targets::TargetError;
use tokio::sync::{RwLock, watch};

use crate::check::Check;
use crate::context::Addresses;
use crate::events::{Event, Judged, RunFinished};
use crate::target_pool::TargetPool;
use crate::verdict::{Exit, Verdict};

pub use model_cases::ModelCases;
use tally::Tally;

/// How a run is done.
#[derive(Clone)]
pub struct Config {
    /// The checks, in order.
    pub checks: Vec<&'static Check>,
    /// The cases of the state machine, where they run too.
    pub cases: Option<ModelCases>,
    /// Whether nothing was left out. Then an operation that never once succeeds is a gap; in a part of the suite it may be
    /// tried by a check whose control is another operation.
    pub whole: bool,
    /// Whether the declared parameters are judged against their bounds.
    pub bounds: bool,
    pub profile: Profile,
    pub seed: u64,
    /// Checks at a time.
    pub jobs: usize,
    /// Time a check may take, real waiting for the target's clock aside.
    pub timeout: Duration,
    /// Requirements that have to be judged for a green run.
    pub min_judged: usize,
    /// Whether the exchanges of passed checks are told too.
    pub record_all: bool,
    /// What stands before `--only …` in a replay command.
    pub replay: String,
}

impl Config {
    /// A run of these checks and nothing else, as `stepproof check` would do it.
    pub fn new(checks: Vec<&'static Check>, seed: u64) -> Self {
        Self {
            checks,
            cases: None,
            whole: false,
            bounds: false,
            profile: Profile::default(),
            seed,
            jobs: 4,
            timeout: Duration::from_secs(60),
            min_judged: 1,
            record_all: false,
            replay: "stepproof check".to_owned(),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The verdicts, in the order in which they were reached.
    pub judged: Vec<Judged>,
    pub finished: RunFinished,
    pub exit: Exit,
}

/// What all checks of a run share.
struct Run {
    config: Config,
    pool: Arc<dyn TargetPool>,
    addresses: Addresses,
    /// Makes accounts new again on a target that has seen this seed before.
    salt: u64,
    /// Checks that move a shared clock hold it alone.
    clock: RwLock<()>,
}

/// Why a run goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Interrupted,
    Unreachable,
}

/// Runs the checks, then the cases, telling each event as it happens; `stop` turning true ends the run early.
pub async fn run(
    config: Config,
    pool: Arc<dyn TargetPool>,
    stop: watch::Receiver<bool>,
    mut tell: impl FnMut(Event) + Send,
) -> Result<Summary, TargetError> {
    let first = pool.acquire().await?;
    tell(Event::RunStarted(Box::new(config.run_started(pool.as_ref(), first.as_ref()))));
    let mut tally = Tally::default();
    for judged in config.judged_bounds(first.parameters()) {
        tally.verdict(judged, &mut tell);
    }
    drop(first);
    let salt = if pool.shared() { rand::rng().random() } else { 0 };
    let run = Arc::new(Run {
        config,
        addresses: if pool.shared() {
            Addresses::from(salt)
        } else {
            Addresses::default()
        },
        pool,
        salt,
        clock: RwLock::new(()),
    });
    let mut cut = checks(&run, stop.clone(), &mut tally, &mut tell).await;
    if let Some(cases) = &run.config.cases {
        cut = model_cases::run(&run, cases, stop, cut, &mut tally, &mut tell).await;
    }
    let summary = tally.finish(&run.config, cut == Some(Cut::Interrupted));
    tell(Event::RunFinished(summary.finished.clone()));
    Ok(summary)
}

async fn checks(
    run: &Arc<Run>,
    mut stop: watch::Receiver<bool>,
    tally: &mut Tally,
    tell: &mut (impl FnMut(Event) + Send),
) -> Option<Cut> {
    let config = &run.config;
    let mut order = run.config.checks.clone();
    if run.pool.shared() {
        // Those that want the clock for themselves come last, so that the others are not held up one by one.
        order.sort_by_key(|check| check.moves_clock);
    }
    let mut cut = None;
    let mut running = FuturesUnordered::new();
    let mut waiting = order.into_iter();
    loop {
        while running.len() < run.config.jobs.max(1) && cut.is_none() {
            let Some(check) = waiting.next() else { break };
            tell(config.check_started(check));
            let own = Arc::clone(run);
            let task = tokio::spawn(async move { own.one(check).await });
            running.push(async move { (check, task.await) });
        }
        let ended = tokio::select! {
            ended = running.next() => ended,
            () = stopped(&mut stop) => return Some(Cut::Interrupted),
        };
        let Some((check, ended)) = ended else { break };
        let done = ended.unwrap_or_else(|error| work::Done::panicked(config.judged(check), error));
        if done.unreachable && cut.is_none() && !run.pool.alive().await {
            cut = Some(Cut::Unreachable);
        }
        tally.add(done, tell);
    }
    // Whatever was not begun because the target went away is told as such, never as passed.
    for check in waiting {
        let judged = config.judged(check).with(Verdict::HarnessError, GONE);
        tally.verdict(judged, tell);
    }
    cut
}

const GONE: &str = "not begun: the target could no longer be reached";

/// Ends when the run is to end; never, when whoever could say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}
