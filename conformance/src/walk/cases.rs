//! Many cases, so many at a time. What is found does not depend on how many that is.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use crate::proof::Stop;
use crate::walk::subject::Ground;
use crate::walk::{Config, WalkFailure, WalkReport, run_case};

/// What the cases came to.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    /// Cases that came to an end.
    pub walked: u32,
    /// Answers that were compared.
    pub compared: usize,
    /// For each requirement that was broken, the shortest steps that show it, with the number of their case: the lowest one
    /// of those that are as short.
    pub failures: BTreeMap<String, (u32, WalkFailure)>,
    /// Cases that did not come to an end.
    pub stopped: BTreeMap<u32, Stop>,
}

impl Cases {
    fn add(&mut self, case: u32, ended: Result<WalkReport, Stop>) {
        let report = match ended {
            Ok(report) => report,
            Err(stop) => {
                self.stopped.insert(case, stop);
                return;
            }
        };
        self.walked += 1;
        self.compared += report.compared;
        let Some(failure) = report.failure else { return };
        let length = |failure: &WalkFailure| failure.steps.len();
        match self.failures.get(&failure.requirement) {
            Some((known, shortest)) if (length(shortest), *known) <= (length(&failure), case) => {}
            _ => {
                self.failures.insert(failure.requirement.clone(), (case, failure));
            }
        }
    }
}

/// Walks these cases, `jobs` at a time, telling the number of each one that ended.
pub async fn run_cases(
    ground: Arc<dyn Ground>,
    run_seed: u64,
    numbers: impl IntoIterator<Item = u32>,
    jobs: usize,
    config: Config,
    mut ended: impl FnMut(u32),
) -> Cases {
    let mut running = stream::iter(numbers)
        .map(|number| {
            let case = run_case(Arc::clone(&ground), run_seed, number, config);
            async move { (number, case.await) }
        })
        .buffer_unordered(jobs.max(1));
    let mut cases = Cases::default();
    while let Some((number, report)) = running.next().await {
        cases.add(number, report);
        ended(number);
    }
    cases
}
