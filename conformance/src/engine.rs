//! Runs checks and tells events. It prints nothing, knows no reporter, and is stopped from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sha2::{Digest, Sha256};
use specs::{Level, Profile};
use targets::{Capability, ClockMode, OperationKind, Target, TargetError};
use tokio::sync::{RwLock, Semaphore, watch};

use crate::check::Check;
use crate::context::{Addresses, Context};
use crate::events::{Event, Judged, RunFinished, RunStarted, Tool};
use crate::evidence::Evidence;
use crate::proof::{Ending, Stop};
use crate::provider::Provider;
use crate::verdict::{Counts, Exit, Verdict, exit_of};

/// How a run is done.
#[derive(Clone)]
pub struct Config {
    /// The checks, in order.
    pub checks: Vec<&'static Check>,
    /// The reading of the requirements.
    pub profile: Profile,
    /// The seed of everything random.
    pub seed: u64,
    /// Checks at a time.
    pub jobs: usize,
    /// Time a check may take, real waiting for the target's clock aside.
    pub timeout: Duration,
    /// Requirements that have to be judged for a green run.
    pub least_judged: usize,
    /// Whether the exchanges of passed checks are told too.
    pub tell_all: bool,
    /// What stands before `--only …` in a replay command.
    pub replay: String,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The verdicts, in the order in which they were reached.
    pub judged: Vec<Judged>,
    /// The end.
    pub finished: RunFinished,
}

impl Summary {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        exit_of(
            self.finished.counts,
            self.finished.interrupted,
            !self.finished.gaps.is_empty(),
        )
    }
}

/// A check that ended.
struct Done {
    judged: Judged,
    events: Vec<Event>,
    tried: BTreeMap<OperationKind, bool>,
    unreachable: bool,
}

/// What all checks of a run share.
struct Run {
    config: Config,
    provider: Arc<dyn Provider>,
    addresses: Addresses,
    /// Checks that move a shared clock hold it alone.
    clock: RwLock<()>,
    slots: Semaphore,
}

/// Runs the checks, telling each event as it happens; `stop` turning true ends the run early.
pub async fn run(
    config: Config,
    provider: Arc<dyn Provider>,
    stop: watch::Receiver<bool>,
    mut tell: impl FnMut(Event) + Send,
) -> Result<Summary, TargetError> {
    let smoke = provider.lease().await?;
    tell(Event::RunStarted(Box::new(started(
        &config,
        provider.as_ref(),
        smoke.as_ref(),
    ))));
    drop(smoke);
    let jobs = config.jobs.max(1);
    let mut order = config.checks.clone();
    if provider.shared() {
        // Those that want the clock for themselves come last, so that the others are not held up one by one.
        order.sort_by_key(|check| check.moves_clock);
    }
    let run = Arc::new(Run {
        config,
        provider,
        addresses: Addresses::default(),
        clock: RwLock::new(()),
        slots: Semaphore::new(jobs),
    });
    let mut tally = Tally::default();
    let mut interrupted = false;
    let mut running = FuturesUnordered::new();
    let mut waiting = order.into_iter();
    let mut stop_seen = stop.clone();
    loop {
        while running.len() < jobs && !tally.unreachable {
            let Some(check) = waiting.next() else { break };
            tell(check_started(check));
            let run = Arc::clone(&run);
            let task = tokio::spawn(async move { run.one(check).await });
            running.push(async move { (check, task.await) });
        }
        let ended = tokio::select! {
            ended = running.next() => ended,
            _ = stop_seen.wait_for(|stop| *stop) => {
                interrupted = true;
                break;
            }
        };
        let Some((check, ended)) = ended else { break };
        let done = ended.unwrap_or_else(|error| panicked(&run.config, check, &error));
        for event in &done.events {
            tell(event.clone());
        }
        tell(Event::Verdict(Box::new(done.judged.clone())));
        tally.add(done);
    }
    // Whatever was not begun because the target went away is told as such, never as passed.
    if !interrupted {
        for check in waiting {
            let judged = judged(
                &run.config,
                check,
                Verdict::HarnessError,
                "the target could no longer be reached",
            );
            tell(Event::Verdict(Box::new(judged.clone())));
            tally.counts.add(judged.verdict);
            tally.judged.push(judged);
        }
    }
    let summary = tally.finish(&run.config, interrupted);
    tell(Event::RunFinished(summary.finished.clone()));
    Ok(summary)
}

impl Run {
    async fn one(&self, check: &'static Check) -> Done {
        let _slot = self.slots.acquire().await;
        let exclusive = check.moves_clock && self.provider.shared();
        let (_alone, _beside) = if exclusive {
            (Some(self.clock.write().await), None)
        } else {
            (None, Some(self.clock.read().await))
        };
        let start = Instant::now();
        let target = match self.provider.lease().await {
            Ok(target) => target,
            Err(error) => return self.without_target(check, &error),
        };
        if let Some(reason) = not_offered(check, target.as_ref()) {
            return self.done(check, Verdict::NotApplicable, &reason);
        }
        if check.moves_clock && target.clock() == ClockMode::None {
            return self.done(
                check,
                Verdict::NotTested,
                "no time can pass on this target: it has no clock to move, and no waiting is allowed",
            );
        }
        let mut cx = Context::new(target, check_seed(self.config.seed, check.id), self.addresses.clone());
        let limit = self.config.timeout
            + if let ClockMode::Waiting { budget } = cx.target.clock() {
                budget
            } else {
                Duration::ZERO
            };
        let ending = tokio::time::timeout(limit, (check.run)(&mut cx)).await;
        let ending = ending.unwrap_or_else(|_| Err(Stop::Harness(format!("the check did not end within {} s", limit.as_secs()))));
        self.judge(check, ending, &cx, start.elapsed())
    }

    fn judge(&self, check: &'static Check, ending: Ending, cx: &Context, took: Duration) -> Done {
        let (mut verdict, stop) = match ending {
            Ok(_) => (Verdict::Passed, None),
            Err(stop) => (verdict_of(&stop), Some(stop)),
        };
        if verdict == Verdict::Failed && level(check, self.config.profile) == Level::Should {
            verdict = Verdict::Warned;
        }
        let mut done = self.done(check, verdict, "");
        done.judged.reason = None;
        done.judged.took_ms = took.as_secs_f64() * 1000.0;
        done.tried = cx.tried().clone();
        let loud = !matches!(verdict, Verdict::Passed | Verdict::NotApplicable);
        if !loud && !self.config.tell_all {
            return done;
        }
        let evidence = Evidence::of(check.id, cx);
        if let Some(stop) = stop {
            done.unreachable = matches!(stop, Stop::Unreachable(_));
            done.judged.reason = Some(evidence.text(&reason(&stop)));
            if let Stop::Failed(breach) = &stop {
                let breach = evidence.breach(breach);
                (done.judged.expected, done.judged.seen) = (Some(breach.expected), Some(breach.seen));
                done.judged.curl = evidence.curl(cx);
            }
        }
        done.events = evidence.events;
        done
    }

    fn without_target(&self, check: &'static Check, error: &TargetError) -> Done {
        let mut done = self.done(check, Verdict::HarnessError, &error.to_string());
        done.unreachable = matches!(error, TargetError::Unreachable { .. });
        done
    }

    fn done(&self, check: &'static Check, verdict: Verdict, reason: &str) -> Done {
        let judged = judged(&self.config, check, verdict, reason);
        Done {
            judged,
            events: Vec::new(),
            tried: BTreeMap::new(),
            unreachable: false,
        }
    }
}

fn verdict_of(stop: &Stop) -> Verdict {
    match stop {
        Stop::Failed(_) => Verdict::Failed,
        Stop::NotTested(_) => Verdict::NotTested,
        Stop::NotApplicable(_) => Verdict::NotApplicable,
        Stop::Inconclusive(_) => Verdict::Inconclusive,
        Stop::Unreachable(_) | Stop::Harness(_) => Verdict::HarnessError,
    }
}

fn reason(stop: &Stop) -> String {
    match stop {
        Stop::Failed(breach) => format!("expected: {}; seen: {}", breach.expected, breach.seen),
        Stop::NotTested(reason)
        | Stop::NotApplicable(reason)
        | Stop::Inconclusive(reason)
        | Stop::Unreachable(reason)
        | Stop::Harness(reason) => reason.clone(),
    }
}

/// What the check needs and the target does not declare. Declared and not served is a failure, and found by the check.
fn not_offered(check: &Check, target: &dyn Target) -> Option<String> {
    let always = [OperationKind::SignIn, OperationKind::Verify];
    let operation = always
        .iter()
        .chain(check.operations)
        .find(|operation| !target.offers(**operation));
    if let Some(operation) = operation {
        return Some(format!("the target does not offer {operation}"));
    }
    let capability = check.capabilities.iter().find(|capability| !target.has(**capability))?;
    Some(format!(
        "the target does not have the capability `{}`",
        capability_name(*capability)
    ))
}

fn capability_name(capability: Capability) -> String {
    serde_json::to_value(capability)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn level(check: &Check, profile: Profile) -> Level {
    let _ = profile;
    specs::catalogue::requirement(check.requirement()).map_or(Level::Must, |requirement| requirement.level)
}

/// The seed of a check: of the run's and its id, so that neither order nor jobs change it.
fn check_seed(seed: u64, id: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(id.as_bytes())
        .finalize()
        .into()
}

fn judged(config: &Config, check: &Check, verdict: Verdict, reason: &str) -> Judged {
    Judged {
        check: check.id.to_owned(),
        requirement: check.requirement().to_owned(),
        level: level(check, config.profile).to_string(),
        verdict,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        expected: None,
        seen: None,
        story: Vec::new(),
        curl: None,
        took_ms: 0.0,
        replay: format!("{} --only {} --seed {}", config.replay, check.id, config.seed),
    }
}

fn panicked(config: &Config, check: &'static Check, error: &tokio::task::JoinError) -> Done {
    let judged = judged(
        config,
        check,
        Verdict::HarnessError,
        &format!("the check itself failed: {error}"),
    );
    Done {
        judged,
        events: Vec::new(),
        tried: BTreeMap::new(),
        unreachable: false,
    }
}

fn check_started(check: &Check) -> Event {
    Event::CheckStarted {
        check: check.id.to_owned(),
        requirements: vec![check.requirement().to_owned()],
        title: check.title.to_owned(),
    }
}

fn started(config: &Config, provider: &dyn Provider, target: &dyn Target) -> RunStarted {
    let all = [
        Capability::Push,
        Capability::Email,
        Capability::VersionGate,
        Capability::Trust,
        Capability::RefreshCredential,
        Capability::SourceAddresses,
        Capability::Limits,
        Capability::CodePerChallenge,
        Capability::DeviceKey,
        Capability::Inbox,
        Capability::ProviderFaults,
    ];
    RunStarted {
        at: now(),
        tool: Tool {
            name: "stepproof".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        target: provider.info(),
        profile: config.profile.to_string(),
        seed: config.seed,
        clock: match target.clock() {
            ClockMode::Controlled => "controlled",
            ClockMode::Waiting { .. } => "waiting",
            ClockMode::None => "none",
        }
        .to_owned(),
        parameters: serde_json::to_value(target.parameters()).unwrap_or_default(),
        capabilities: all
            .into_iter()
            .filter(|capability| target.has(*capability))
            .map(capability_name)
            .collect(),
        selected: config.checks.len(),
    }
}

fn now() -> String {
    jiff::Timestamp::now()
        .round(jiff::Unit::Millisecond)
        .map_or_else(|_| String::new(), |at| at.to_string())
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    judged: Vec<Judged>,
    tried: BTreeMap<OperationKind, bool>,
    unreachable: bool,
}

impl Tally {
    fn add(&mut self, done: Done) {
        self.counts.add(done.judged.verdict);
        self.unreachable |= done.unreachable;
        for (operation, accepted) in done.tried {
            *self.tried.entry(operation).or_default() |= accepted;
        }
        self.judged.push(done.judged);
    }

    fn finish(self, config: &Config, interrupted: bool) -> Summary {
        let requirements: BTreeSet<&str> = self
            .judged
            .iter()
            .filter(|judged| judged.verdict.judged())
            .map(|judged| judged.requirement.as_str())
            .collect();
        let requirements_judged = requirements.len();
        let mut gaps = Vec::new();
        if requirements_judged < config.least_judged.max(1) {
            gaps.push(format!(
                "{requirements_judged} requirements were judged, {} are asked for",
                config.least_judged.max(1)
            ));
        }
        for (operation, accepted) in &self.tried {
            if !accepted {
                gaps.push(format!(
                    "{operation} was tried and never once succeeded, so refusing it shows nothing"
                ));
            }
        }
        let exit = exit_of(self.counts, interrupted, !gaps.is_empty()).code();
        let finished = RunFinished {
            at: now(),
            counts: self.counts,
            requirements_judged,
            gaps,
            exit,
            interrupted,
        };
        Summary {
            judged: self.judged,
            finished,
        }
    }
}
