//! Many cases, so many at a time. What is found does not depend on how many that is: cases are begun in order up to a little
//! beyond the first that shows a breach, and what lies further is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::model::sut::SutFactory;
use crate::model::{CaseReport, Config, Counterexample, run_case};
use crate::proof::CheckError;

/// Cases that are run beyond the first that shows a breach: they may show another, or the same in fewer steps.
pub const MAX_CASES_BEYOND: usize = 16;

/// What the cases came to.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    /// Cases that came to an end.
    pub ended: u32,
    pub compared: usize,
    /// For each requirement that was broken, the shortest steps that show it, with the number of their case: the lowest one
    /// of those that are as short.
    pub failures: BTreeMap<String, (u32, Counterexample)>,
    /// Cases that did not come to an end.
    pub stopped: BTreeMap<u32, CheckError>,
}

impl Cases {
    /// Takes a case that ended.
    pub fn add(&mut self, case: u32, ended: Result<CaseReport, CheckError>) {
        let report = match ended {
            Ok(report) => report,
            Err(stop) => {
                self.stopped.insert(case, stop);
                return;
            }
        };
        self.ended += 1;
        self.compared += report.compared;
        let Some(failure) = report.failure else { return };
        let length = |failure: &Counterexample| failure.steps.len();
        match self.failures.get(&failure.requirement) {
            Some((known, shortest)) if (length(shortest), *known) <= (length(&failure), case) => {}
            _ => {
                self.failures.insert(failure.requirement.clone(), (case, failure));
            }
        }
    }
}

/// Runs these cases, `jobs` at a time, telling each one that ended. None is begun after one had no answer at all.
pub async fn run_cases(
    factory: Arc<dyn SutFactory>,
    run_seed: u64,
    numbers: impl IntoIterator<Item = u32>,
    jobs: usize,
    config: Config,
    mut ended: impl FnMut(u32, &Result<CaseReport, CheckError>),
) -> Cases {
    let mut reports = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    let mut waiting = numbers.into_iter().enumerate().peekable();
    let (mut first, mut gone) = (None, false);
    loop {
        let begun = |at: usize| first.is_none_or(|first| at <= first + MAX_CASES_BEYOND);
        while running.len() < jobs.max(1)
            && !gone
            && let Some((at, number)) = waiting.next_if(|(at, _)| begun(*at))
        {
            let case = run_case(Arc::clone(&factory), run_seed, number, config);
            running.push(async move { (at, number, case.await) });
        }
        let Some((at, number, report)) = running.next().await else {
            break;
        };
        ended(number, &report);
        gone |= matches!(report, Err(CheckError::Unreachable(_)));
        if matches!(report, Ok(CaseReport { failure: Some(_), .. })) {
            first = Some(first.map_or(at, |first: usize| first.min(at)));
        }
        reports.insert(at, (number, report));
    }
    let mut cases = Cases::default();
    for (at, (number, report)) in reports {
        if first.is_none_or(|first| at <= first + MAX_CASES_BEYOND) {
            cases.add(number, report);
        }
    }
    cases
}
