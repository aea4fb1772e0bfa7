//! Walks: random but repeatable sequences of honest and hostile steps, each answer compared with the abstract machine.
//!
//! - [`step`]: what can be done, named by distance from the latest challenge, as data and in plain words.
//! - [`plan`]: which steps are drawn, from a seed and a case number.
//! - [`subject`]: what is walked on; a fresh one for each run.
//! - [`live`]: a live target as a subject.
//! - [`cases`]: many cases at a time.
//! - [`judge`]: whether any reading of the machine explains what was answered.
//! - [`requirement`]: which requirement an answer breaks that none explains.
//! - [`shrink`]: the fewest steps that still show it.
//!
//! A case depends on nothing but the run's seed and its number: it gives the same steps alone and among others, on one
//! thread and on many. The steps of a failure are data, and are walked again without the generator by [`replay`].

pub mod cases;
pub mod judge;
pub mod live;
pub mod plan;
pub mod requirement;
pub mod shrink;
pub mod step;
pub mod subject;

use std::sync::Arc;

use targets::{Exchange, Message};

use crate::proof::{Breach, Stop};
pub use crate::walk::cases::{Cases, run_cases};
use crate::walk::judge::Judge;
pub use crate::walk::live::LiveGround;
pub use crate::walk::step::Step;
use crate::walk::subject::{Ground, Subject, Terrain};

/// How far a case goes.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The most steps of a walk.
    pub most_steps: usize,
    /// Runs that shrinking may take.
    pub shrink_runs: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most_steps: 40,
            shrink_runs: 300,
        }
    }
}

/// A walk that ended in a breach.
#[derive(Clone, Debug)]
pub struct WalkFailure {
    /// The requirement.
    pub requirement: String,
    /// The steps that show it.
    pub steps: Vec<Step>,
    /// The same in plain words, with the answers.
    pub story: Vec<String>,
    /// What should have been answered to the last step, and what was.
    pub breach: Breach,
    /// Whether no single step can be left out.
    pub minimal: bool,
    /// Everything that was exchanged on the way.
    pub exchanges: Vec<Arc<Exchange>>,
    /// Everything that was delivered on the way.
    pub deliveries: Vec<Message>,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct WalkReport {
    /// The case's number.
    pub case: u32,
    /// Answers that were compared in its first run.
    pub compared: usize,
    /// Runs that it took, those for shrinking included.
    pub runs: u32,
    /// The breach, if there was one.
    pub failure: Option<WalkFailure>,
}

/// One run: its steps in words, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Every operation with its answer.
    pub story: Vec<String>,
    /// Steps that were begun.
    pub begun: usize,
    /// Challenges that had been opened before each step.
    pub opened: Vec<usize>,
    /// Answers that were compared.
    pub compared: usize,
    /// The requirement that was broken, and how.
    pub broken: Option<(String, Breach)>,
    /// Everything that was exchanged.
    pub exchanges: Vec<Arc<Exchange>>,
    /// Everything that was delivered.
    pub deliveries: Vec<Message>,
}

/// Draws and walks one case; on a breach, finds the fewest steps that show it.
pub async fn run_case(ground: Arc<dyn Ground>, run_seed: u64, case: u32, config: Config) -> Result<WalkReport, Stop> {
    let handle = tokio::runtime::Handle::current();
    // Proptest's runner is synchronous; it waits for each run on a thread that may block.
    let search = tokio::task::spawn_blocking(move || shrink::search(&handle, ground.as_ref(), run_seed, case, config));
    search
        .await
        .unwrap_or_else(|error| Err(Stop::Harness(format!("a walk did not end: {error}"))))
}

/// Walks these steps on a fresh subject.
pub async fn replay(ground: &dyn Ground, steps: &[Step]) -> Result<Walk, Stop> {
    let terrain = ground.terrain().await?;
    let mut subject = ground.fresh().await?;
    walk(subject.as_mut(), &terrain, steps, || ()).await
}

/// Walks until the end or the first breach. `begin` is told before each step.
pub(crate) async fn walk(
    subject: &mut dyn Subject,
    terrain: &Terrain,
    steps: &[Step],
    begin: impl Fn() + Send + Sync,
) -> Result<Walk, Stop> {
    let mut judge = Judge::new(terrain.limits.clone());
    let mut walk = Walk::default();
    for step in steps {
        begin();
        walk.begun += 1;
        walk.opened.push(judge.state().challenges.len());
        for op in step.operations(judge.state()) {
            // What cannot be said on this target, such as a replaced code where codes are repeated, is left out.
            let Some(answer) = subject.perform(&op).await? else { continue };
            let told = step::tell(&op, judge.state());
            walk.story.push(format!("{}. {told} → {answer}", walk.story.len() + 1));
            walk.compared += 1;
            if let Err(broken) = judge.follow(&op, answer, &told) {
                walk.broken = Some(broken);
                (walk.exchanges, walk.deliveries) = (subject.exchanges(), subject.deliveries());
                return Ok(walk);
            }
        }
    }
    (walk.exchanges, walk.deliveries) = (subject.exchanges(), subject.deliveries());
    Ok(walk)
}
