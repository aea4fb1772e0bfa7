//! The cases of the state machine as one check: a verdict for each requirement that they break, or one for all of them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::tally::Tally;
use super::{Cut, GONE, Run, stopped};
use crate::events::{Event, Judged};
use crate::evidence::Evidence;
use crate::model::{self, CaseReport, Cases, Counterexample, HttpSutFactory, Step};
use crate::proof::CheckError;
use crate::select::WALK;
use crate::verdict::Verdict;

/// Which cases are run.
#[derive(Clone, Debug)]
pub struct ModelCases {
    /// Their numbers, in order.
    pub numbers: Vec<u32>,
    /// Steps to run instead of drawn ones.
    pub steps: Option<Vec<Step>>,
}

const TITLE: &str = "Random walks of honest and hostile steps: every answer is one that the abstract machine gives.";

/// Runs the cases, tells each, and judges.
pub(super) async fn run(
    run: &Arc<Run>,
    wanted: &ModelCases,
    mut stop: watch::Receiver<bool>,
    cut: Option<Cut>,
    tally: &mut Tally,
    tell: &mut (impl FnMut(Event) + Send),
) -> Option<Cut> {
    let nothing = run.config.judged_as(WALK, WALK);
    match cut {
        Some(Cut::Interrupted) => return cut,
        Some(Cut::Unreachable) => {
            tally.verdict(nothing.with(Verdict::HarnessError, GONE), tell);
            return cut;
        }
        None => {}
    }
    tell(Event::CheckStarted {
        check: WALK.to_owned(),
        requirements: Vec::new(),
        title: TITLE.to_owned(),
    });
    let start = Instant::now();
    let cases = tokio::select! {
        cases = run_all(run, wanted, tell) => cases,
        () = stopped(&mut stop) => return Some(Cut::Interrupted),
    };
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    for (judged, evidence) in verdicts(run, wanted, nothing, cases) {
        evidence.into_iter().for_each(&mut *tell);
        tally.verdict(Judged { took_ms, ..judged }, tell);
    }
    None
}

async fn run_all(run: &Run, wanted: &ModelCases, tell: &mut (impl FnMut(Event) + Send)) -> Cases {
    let names = run.config.seed ^ run.salt;
    let factory = HttpSutFactory::new(Arc::clone(&run.pool), run.addresses.clone(), names);
    if let Some(steps) = &wanted.steps {
        let (case, mut cases) = (wanted.numbers.first().copied().unwrap_or_default(), Cases::default());
        let report = replay(&factory, case, steps.clone()).await;
        tell(ended(case, &report));
        cases.add(case, report);
        return cases;
    }
    let (seed, numbers, jobs) = (run.config.seed, wanted.numbers.iter().copied(), run.config.jobs);
    let ended = |case, report: &_| tell(ended(case, report));
    model::run_cases(Arc::new(factory), seed, numbers, jobs, model::Config::default(), ended).await
}

async fn replay(factory: &HttpSutFactory, case: u32, steps: Vec<Step>) -> Result<CaseReport, CheckError> {
    let trace = model::replay(factory, &steps).await?;
    Ok(CaseReport {
        case,
        compared: trace.compared,
        runs: 1,
        failure: trace.counterexample(steps, false),
    })
}

fn ended(case: u32, report: &Result<CaseReport, CheckError>) -> Event {
    let (compared, runs) = report.as_ref().map_or((0, 0), |report| (report.compared, report.runs));
    let failure = report.as_ref().ok().and_then(|report| report.failure.as_ref());
    Event::Case {
        check: WALK.to_owned(),
        case,
        compared,
        runs,
        broken: failure.map(|failure| failure.requirement.clone()),
        stopped: report.as_ref().err().map(CheckError::to_string),
    }
}

fn verdicts(run: &Run, wanted: &ModelCases, nothing: Judged, cases: Cases) -> Vec<(Judged, Vec<Event>)> {
    if !cases.failures.is_empty() {
        let failures = cases.failures.into_values();
        return failures.map(|(case, failure)| breach(run, wanted, case, failure)).collect();
    }
    let worst = cases.stopped.values().max_by_key(|stop| stop.verdict());
    let judged = match worst {
        Some(stop) if stop.verdict() == Verdict::HarnessError || cases.compared == 0 => {
            nothing.with(stop.verdict(), stop.to_string())
        }
        _ if cases.compared == 0 => nothing.with(Verdict::NotTested, "nothing could be walked"),
        worst => {
            let mut told = format!("{} walks, {} answers compared", cases.ended, cases.compared);
            if let Some(stop) = worst {
                told.push_str(&format!("; {} came to no end: {}", cases.stopped.len(), stop));
            }
            nothing.with(Verdict::Passed, told)
        }
    };
    vec![(judged, Vec::new())]
}

fn breach(run: &Run, wanted: &ModelCases, case: u32, failure: Counterexample) -> (Judged, Vec<Event>) {
    let evidence = Evidence::new(WALK, &failure.trace.exchanges, &failure.trace.deliveries);
    let mut judged = run.config.judged_as(WALK, &failure.requirement);
    let should = judged.level == specs::Level::Should.to_string();
    let breach = evidence.breach(&failure.breach);
    judged.story = failure.trace.story.iter().map(|line| evidence.text(line)).collect();
    judged.curl = evidence.curl();
    judged.case = Some(case);
    judged.trace = serde_json::to_value(&failure.steps).ok();
    if wanted.steps.is_none() {
        judged.replay.push_str(&format!(" --case {case}"));
    }
    let told = format!("case {case}: expected: {}; seen: {}", breach.expected, breach.seen);
    (judged.expected, judged.seen) = (Some(breach.expected), Some(breach.seen));
    let verdict = if should { Verdict::Warned } else { Verdict::Failed };
    (judged.with(verdict, told), evidence.events())
}
