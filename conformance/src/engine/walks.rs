//! The cases of the state machine as one check: a verdict for each requirement that they break, or one for all of them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::tally::Tally;
use super::told::Told;
use super::work::{reason, verdict_of};
use super::{Cut, GONE, Run, stopped};
use crate::events::{Event, Judged};
use crate::evidence::Evidence;
use crate::proof::Stop;
use crate::select::WALK;
use crate::verdict::Verdict;
use crate::walk::{self, Cases, LiveGround, Step, WalkFailure, WalkReport};

/// Which walks are walked.
#[derive(Clone, Debug)]
pub struct Walks {
    /// The numbers of the cases, in order.
    pub cases: Vec<u32>,
    /// Steps to walk instead of drawn ones.
    pub steps: Option<Vec<Step>>,
}

const TITLE: &str = "Random walks of honest and hostile steps: every answer is one that the abstract machine gives.";

/// Walks the cases, tells each, and judges.
pub(super) async fn run(
    run: &Arc<Run>,
    walks: &Walks,
    mut stop: watch::Receiver<bool>,
    cut: Option<Cut>,
    tally: &mut Tally,
    tell: &mut (impl FnMut(Event) + Send),
) -> Option<Cut> {
    let nothing = Told::new(&run.config).judged_as(WALK, WALK);
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
        cases = walk_all(run, walks, tell) => cases,
        () = stopped(&mut stop) => return Some(Cut::Interrupted),
    };
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    for (judged, evidence) in verdicts(run, walks, nothing, cases) {
        evidence.into_iter().for_each(&mut *tell);
        tally.verdict(Judged { took_ms, ..judged }, tell);
    }
    None
}

async fn walk_all(run: &Run, walks: &Walks, tell: &mut (impl FnMut(Event) + Send)) -> Cases {
    let names = run.config.seed ^ run.salt;
    let ground = LiveGround::new(Arc::clone(&run.provider), run.addresses.clone(), names);
    if let Some(steps) = &walks.steps {
        let (case, mut cases) = (walks.cases.first().copied().unwrap_or_default(), Cases::default());
        let walked = walk_these(&ground, case, steps.clone()).await;
        tell(ended(case, &walked));
        cases.add(case, walked);
        return cases;
    }
    let (seed, numbers, jobs) = (run.config.seed, walks.cases.iter().copied(), run.config.jobs);
    let config = walk::Config::default();
    let ended = |case, walked: &_| tell(ended(case, walked));
    walk::run_cases(Arc::new(ground), seed, numbers, jobs, config, ended).await
}

async fn walk_these(ground: &LiveGround, case: u32, steps: Vec<Step>) -> Result<WalkReport, Stop> {
    let walk = walk::replay(ground, &steps).await?;
    let failure = walk.broken.map(|(requirement, breach)| WalkFailure {
        requirement,
        steps,
        story: walk.story,
        breach,
        minimal: false,
        exchanges: walk.exchanges,
        deliveries: walk.deliveries,
    });
    Ok(WalkReport {
        case,
        compared: walk.compared,
        runs: 1,
        failure,
    })
}

fn ended(case: u32, walked: &Result<WalkReport, Stop>) -> Event {
    let (compared, runs) = walked.as_ref().map_or((0, 0), |report| (report.compared, report.runs));
    let failure = walked.as_ref().ok().and_then(|report| report.failure.as_ref());
    Event::Walk {
        check: WALK.to_owned(),
        case,
        compared,
        runs,
        broken: failure.map(|failure| failure.requirement.clone()),
        stopped: walked.as_ref().err().map(reason),
    }
}

fn verdicts(run: &Run, walks: &Walks, nothing: Judged, cases: Cases) -> Vec<(Judged, Vec<Event>)> {
    if !cases.failures.is_empty() {
        let failures = cases.failures.into_values();
        return failures.map(|(case, failure)| breach(run, walks, case, failure)).collect();
    }
    let worst = cases.stopped.values().max_by_key(|stop| verdict_of(stop));
    let judged = match worst {
        Some(stop) if verdict_of(stop) == Verdict::HarnessError || cases.compared == 0 => {
            nothing.with(verdict_of(stop), reason(stop))
        }
        _ if cases.compared == 0 => nothing.with(Verdict::NotTested, "nothing could be walked"),
        worst => {
            let mut told = format!("{} walks, {} answers compared", cases.walked, cases.compared);
            if let Some(stop) = worst {
                told.push_str(&format!("; {} came to no end: {}", cases.stopped.len(), reason(stop)));
            }
            nothing.with(Verdict::Passed, told)
        }
    };
    vec![(judged, Vec::new())]
}

fn breach(run: &Run, walks: &Walks, case: u32, failure: WalkFailure) -> (Judged, Vec<Event>) {
    let evidence = Evidence::new(WALK, &failure.exchanges, &failure.deliveries);
    let mut judged = Told::new(&run.config).judged_as(WALK, &failure.requirement);
    let should = judged.level == specs::Level::Should.to_string();
    let breach = evidence.breach(&failure.breach);
    judged.story = failure.story.iter().map(|line| evidence.text(line)).collect();
    judged.curl = evidence.curl();
    judged.case = Some(case);
    judged.steps = serde_json::to_value(&failure.steps).ok();
    if walks.steps.is_none() {
        judged.replay.push_str(&format!(" --case {case}"));
    }
    let told = format!("case {case}: expected: {}; seen: {}", breach.expected, breach.seen);
    (judged.expected, judged.seen) = (Some(breach.expected), Some(breach.seen));
    let verdict = if should { Verdict::Warned } else { Verdict::Failed };
    (judged.with(verdict, told), evidence.events())
}
