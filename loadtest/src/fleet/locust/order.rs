//! What the master orders, read from the options of the locustfile, and who carries it out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::protocol::{Malformed, Spawn};
use super::stats::LocustStats;
use crate::plan::Slice;

/// One storm, as one worker is to run it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Which run of the master's this is: repeated orders of one run are one order.
    pub run: String,
    /// A storm of the library, or a scenario file as the worker sees it.
    pub storm: String,
    /// Arrivals a second of all workers together, instead of the scenario's.
    pub rate: Option<f64>,
    /// The seed, the same for all workers.
    pub seed: u64,
    /// Seconds people come for, instead of the scenario's.
    pub seconds: Option<f64>,
    /// The origin of the service (Locust's `--host`). A worker refuses what its own command line does not allow.
    pub target: Option<String>,
    /// Which arrivals and identities are this worker's.
    pub slice: Slice,
    /// The storm's beginning, the same for all workers, by the master's clock.
    pub start_at: SystemTime,
}

/// Runs storms for a worker.
#[async_trait]
pub trait StormRunner: Send + Sync {
    /// Runs the storm: waits for its beginning ([`crate::plan::Start::wait`]), tells `stats` every sample, and returns when nothing
    /// is under way any more. Once `stop` is cancelled no more is begun, and what is under way is ended soon; that is no error.
    async fn run(&self, order: Order, stop: CancellationToken, stats: Arc<LocustStats>) -> anyhow::Result<()>;
}

impl Order {
    /// Reads it from what the master sent to the worker of this index.
    pub fn of(spawn: &Spawn, index: Option<u32>) -> Result<Self, Malformed> {
        let index =
            index.ok_or_else(|| Malformed::new("the master gave this worker no index: Locust 2.11 or later is needed"))?;
        let of = u32::try_from(spawn.number("storm_slices")?.unwrap_or(0)).unwrap_or(0);
        if of == 0 {
            return Err(Malformed::new(
                "no --storm-workers: does the master run the project's locustfile?",
            ));
        }
        if index >= of {
            return Err(Malformed::new(format!(
                "this worker's index is {index}, and there are {of} slices: a slice was lost with a worker before it; restart the master, or give \
                 a worker that is started again its old id"
            )));
        }
        let start_at = spawn
            .real("storm_start_at")?
            .filter(|at| *at >= 0.0)
            .and_then(|at| Duration::try_from_secs_f64(at).ok())
            .and_then(|at| SystemTime::UNIX_EPOCH.checked_add(at))
            .ok_or_else(|| Malformed::new("no storm_start_at: does the master run the project's locustfile?"))?;
        Ok(Self {
            run: name_of_run(spawn)?,
            storm: spawn.text("storm").ok_or_else(|| Malformed::new("no --storm"))?,
            rate: positive("storm_rate", spawn.real("storm_rate")?)?,
            seed: spawn.number("storm_seed")?.ok_or_else(|| Malformed::new("no --storm-seed"))?,
            seconds: positive("storm_seconds", spawn.real("storm_seconds")?)?,
            target: spawn.host.clone(),
            slice: Slice { index, of },
            start_at,
        })
    }
}

/// A run's name becomes that of a directory, so it can be no path.
fn name_of_run(spawn: &Spawn) -> Result<String, Malformed> {
    let run = spawn
        .text("storm_run")
        .ok_or_else(|| Malformed::new("no storm_run: does the master run the project's locustfile?"))?;
    if run.len() > 64 || !run.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Malformed::new("storm_run is no name of a run"));
    }
    Ok(run)
}

fn positive(name: &str, value: Option<f64>) -> Result<Option<f64>, Malformed> {
    match value {
        Some(value) if value <= 0.0 => Err(Malformed::new(format!("{name} is {value}, which is not above 0"))),
        value => Ok(value),
    }
}
