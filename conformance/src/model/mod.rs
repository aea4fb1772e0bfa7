//! The abstract machine as a model of the target: random but repeatable sequences of honest and hostile steps, each answer
//! compared with the machine's.
//!
//! - [`step`]: what can be done, named by distance from the latest challenge, as data and in plain words.
//! - [`generator`]: which steps are drawn, from a seed and a case number.
//! - [`sut`]: the system under test, a fresh one for each run.
//! - [`http_sut`]: a live target as one.
//! - [`cases`]: many cases at a time.
//! - [`oracle`]: whether any permitted behaviour of the machine explains what was answered.
//! - [`requirement`]: which requirement an answer breaks that none explains.
//! - [`shrink`]: the fewest steps that still show it.
//!
//! A case depends on nothing but the run's seed and its number: it gives the same steps alone and among others, on one
//! thread and on many. The steps of a failure are data, and are run again without the generator by [`replay`].

pub mod cases;
mod format_1;
pub mod generator;
pub mod http_sut;
pub mod oracle;
pub mod requirement;
pub mod shrink;
pub mod step;
pub mod sut;

use std::sync::Arc;

use targets::{Exchange, Message};

pub use crate::model::cases::{Cases, run_cases};
pub use crate::model::format_1::read_steps;
pub use crate::model::http_sut::HttpSutFactory;
use crate::model::oracle::Oracle;
pub use crate::model::step::Step;
use crate::model::sut::{SutCapabilities, SutFactory, SystemUnderTest};
use crate::proof::{Breach, CheckError};

/// How far a case goes.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub max_steps: usize,
    /// Runs that shrinking may take.
    pub shrink_runs: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_steps: 40,
            shrink_runs: 300,
        }
    }
}

/// A trace that ends in a breach.
#[derive(Clone, Debug)]
pub struct Counterexample {
    pub requirement: String,
    pub steps: Vec<Step>,
    /// What should have been answered to the last step, and what was.
    pub breach: Breach,
    /// Whether no single step can be left out.
    pub minimal: bool,
    pub trace: Trace,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct CaseReport {
    pub case: u32,
    /// Answers that were compared in its first run.
    pub compared: usize,
    /// Runs that it took, those for shrinking included.
    pub runs: u32,
    pub failure: Option<Counterexample>,
}

/// One run: its steps in words, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Every operation with its answer, in plain words.
    pub story: Vec<String>,
    /// Steps that were begun.
    pub begun: usize,
    /// Challenges that had been opened before each step.
    pub opened: Vec<usize>,
    /// Answers that were compared.
    pub compared: usize,
    /// The requirement that was broken, and how.
    pub broken: Option<(String, Breach)>,
    pub exchanges: Vec<Arc<Exchange>>,
    pub deliveries: Vec<Message>,
}

impl Trace {
    /// These steps and what they showed, where they broke a requirement.
    pub fn counterexample(self, steps: Vec<Step>, minimal: bool) -> Option<Counterexample> {
        let (requirement, breach) = self.broken.clone()?;
        Some(Counterexample {
            requirement,
            steps,
            breach,
            minimal,
            trace: self,
        })
    }
}

/// Draws and runs one case; on a breach, finds the fewest steps that show it.
pub async fn run_case(factory: Arc<dyn SutFactory>, run_seed: u64, case: u32, config: Config) -> Result<CaseReport, CheckError> {
    let handle = tokio::runtime::Handle::current();
    // Proptest's runner is synchronous; it waits for each run on a thread that may block.
    let search = tokio::task::spawn_blocking(move || shrink::search(&handle, factory.as_ref(), run_seed, case, config));
    search
        .await
        .unwrap_or_else(|error| Err(CheckError::Harness(format!("a walk did not end: {error}"))))
}

/// Runs these steps on a fresh system.
pub async fn replay(factory: &dyn SutFactory, steps: &[Step]) -> Result<Trace, CheckError> {
    let capabilities = factory.capabilities().await?;
    let mut sut = factory.fresh().await?;
    run_trace(sut.as_mut(), &capabilities, steps, || ()).await
}

/// Runs until the end or the first breach. `begin` is told before each step.
pub(crate) async fn run_trace(
    sut: &mut dyn SystemUnderTest,
    capabilities: &SutCapabilities,
    steps: &[Step],
    begin: impl Fn() + Send + Sync,
) -> Result<Trace, CheckError> {
    let mut oracle = Oracle::new(capabilities.limits.clone());
    let mut trace = Trace::default();
    'steps: for step in steps {
        begin();
        trace.begun += 1;
        trace.opened.push(oracle.state().challenges.len());
        for op in step.operations(oracle.state()) {
            // What cannot be said on this target, such as a replaced code where codes are repeated, is left out.
            let Some(answer) = sut.perform(&op).await? else { continue };
            let words = step::describe(&op, oracle.state());
            trace.story.push(format!("{}. {words} → {answer}", trace.story.len() + 1));
            trace.compared += 1;
            if let Err(broken) = oracle.follow(&op, answer, &words) {
                trace.broken = Some(broken);
                break 'steps;
            }
        }
    }
    (trace.exchanges, trace.deliveries) = (sut.exchanges(), sut.deliveries());
    Ok(trace)
}
