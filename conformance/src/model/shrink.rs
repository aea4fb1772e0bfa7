//! Draws a case, runs it, and on a breach finds the fewest steps that show it.
//!
//! Proptest's shrinking leaves steps out once, from the back, and never returns to it; a greedy pass afterwards drops single
//! steps until none can go, keeping what the later steps mean when the step that goes had opened a challenge. Each candidate is
//! run on a fresh system. A candidate that breaks another requirement than the first one counts as passing, so that shrinking
//! does not slide from one defect to another.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{
    Config as ProptestConfig, Reason, RngAlgorithm, RngSeed, TestCaseError, TestRng, TestRunner, noop_result_cache,
};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::model::generator::traces;
use crate::model::step::Step;
use crate::model::sut::{SutCapabilities, SutFactory};
use crate::model::{CaseReport, Config, Trace, run_trace};
use crate::proof::CheckError;

/// The steps of a case, without running them.
pub fn steps_of(capabilities: &SutCapabilities, run_seed: u64, case: u32, config: Config) -> Result<Vec<Step>, CheckError> {
    let tree = traces(capabilities, config.max_steps).new_tree(&mut runner(run_seed, case, config));
    tree.map(|tree| tree.current().1).map_err(cannot_draw)
}

/// Runs a case and shrinks what it finds. Blocks: for a thread that may.
pub(super) fn search(
    handle: &Handle,
    factory: &dyn SutFactory,
    run_seed: u64,
    case: u32,
    config: Config,
) -> Result<CaseReport, CheckError> {
    let capabilities = handle.block_on(factory.capabilities())?;
    let mut runner = runner(run_seed, case, config);
    let tree = traces(&capabilities, config.max_steps)
        .new_tree(&mut runner)
        .map_err(cannot_draw)?;
    let search = RefCell::new(Search {
        handle,
        factory,
        capabilities,
        runs: 0,
        compared: 0,
        found: None,
        stopped: None,
    });
    // What it returns is known to the search already, with the story.
    let _ = runner.run_one(tree, |(_, steps, seen)| {
        match search.borrow_mut().shows_it(&steps, seen.as_deref()) {
            true => Err(TestCaseError::fail("a breach")),
            false => Ok(()),
        }
    });
    let mut search = search.into_inner();
    if let Some(error) = search.stopped {
        return Err(error);
    }
    let minimal = search.drop_single_steps(config.shrink_runs);
    Ok(CaseReport {
        case,
        compared: search.compared,
        runs: search.runs,
        failure: search.found.and_then(|(steps, trace)| trace.counterexample(steps, minimal)),
    })
}

fn cannot_draw(reason: Reason) -> CheckError {
    CheckError::Harness(format!("no steps could be drawn: {reason}"))
}

/// A runner of one case. Every field that changes what it does is set: the defaults read the environment.
fn runner(run_seed: u64, case: u32, config: Config) -> TestRunner {
    let mut hash = Sha256::new();
    hash.update(b"walk");
    hash.update(run_seed.to_le_bytes());
    hash.update(case.to_le_bytes());
    let seed: [u8; 32] = hash.finalize().into();
    let config = ProptestConfig {
        cases: 1,
        max_local_rejects: 10_000,
        max_global_rejects: 10_000,
        max_flat_map_regens: 1_000_000,
        failure_persistence: None,
        source_file: None,
        test_name: None,
        fork: false,
        timeout: 0,
        max_shrink_time: 0,
        max_shrink_iters: config.shrink_runs,
        max_default_size_range: 100,
        result_cache: noop_result_cache,
        verbose: 0,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(run_seed),
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// The steps without one of them; and, where that one opened a challenge, once more with the later steps naming the
/// challenges that they named before. `opened` tells how many there were before each step.
fn without(steps: &[Step], opened: &[usize], index: usize) -> Vec<Vec<Step>> {
    let mut fewer = steps.to_vec();
    fewer.remove(index);
    let Some(gone) = opened
        .get(index)
        .copied()
        .filter(|gone| opened.get(index + 1) == Some(&(gone + 1)))
    else {
        return vec![fewer];
    };
    let mut renamed = fewer.clone();
    for (step, opened) in renamed.iter_mut().zip(opened.iter().skip(1)).skip(index) {
        *step = step.without_challenge(gone, *opened);
    }
    if renamed == fewer { vec![fewer] } else { vec![fewer, renamed] }
}

struct Search<'a> {
    handle: &'a Handle,
    factory: &'a dyn SutFactory,
    capabilities: SutCapabilities,
    runs: u32,
    compared: usize,
    /// The fewest steps so far that show the breach.
    found: Option<(Vec<Step>, Trace)>,
    /// Why the first run did not come to an end.
    stopped: Option<CheckError>,
}

impl Search<'_> {
    /// Runs the steps on a fresh system; whether they break the requirement that was broken first.
    fn shows_it(&mut self, steps: &[Step], seen: Option<&AtomicUsize>) -> bool {
        self.runs += 1;
        let first = self.runs == 1;
        // Without this count, shrinking begins by leaving everything out.
        let begin = || {
            if let Some(seen) = seen {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        };
        let run = self.handle.block_on(async {
            let mut sut = self.factory.fresh().await?;
            run_trace(sut.as_mut(), &self.capabilities, steps, begin).await
        });
        let trace = match run {
            Ok(trace) => trace,
            Err(error) => {
                if first {
                    self.stopped = Some(error);
                }
                return false;
            }
        };
        if first {
            self.compared = trace.compared;
        }
        let wanted = self.found.as_ref().and_then(|(_, trace)| trace.broken.as_ref());
        let same = match (&trace.broken, wanted) {
            (Some((requirement, _)), Some((wanted, _))) => requirement == wanted,
            (broken, None) => broken.is_some(),
            (None, _) => false,
        };
        if same {
            self.found = Some((steps.iter().take(trace.begun).cloned().collect(), trace));
        }
        same
    }

    /// Drops single steps until none can go; whether that was reached within so many runs.
    fn drop_single_steps(&mut self, budget: u32) -> bool {
        let max_runs = self.runs.saturating_add(budget);
        'again: while let Some((steps, trace)) = &self.found {
            let (steps, opened) = (steps.clone(), trace.opened.clone());
            for index in (0..steps.len()).rev() {
                for fewer in without(&steps, &opened, index) {
                    if self.runs >= max_runs {
                        return false;
                    }
                    if self.shows_it(&fewer, None) {
                        continue 'again;
                    }
                }
            }
            return true;
        }
        true
    }
}
