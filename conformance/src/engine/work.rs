//! One check, from its target to its verdict.

use std::any::Any;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use specs::Level;
use targets::{ClockMode, OperationKind, Target, TargetError};

use super::Run;
use super::describe::level_of;
use crate::check::Check;
use crate::context::Context;
use crate::events::{Event, Judged};
use crate::evidence::Evidence;
use crate::proof::{Breach, CheckError, CheckResult};
use crate::verdict::Verdict;

/// A check that ended.
pub(super) struct Done {
    pub(super) judged: Judged,
    /// What stands behind the verdict.
    pub(super) evidence: Vec<Event>,
    /// Operations that were tried, and whether each was ever accepted.
    pub(super) tried: BTreeMap<OperationKind, bool>,
    /// Whether no answer came.
    pub(super) unreachable: bool,
}

impl Done {
    pub(super) fn new(judged: Judged) -> Self {
        Self {
            judged,
            evidence: Vec::new(),
            tried: BTreeMap::new(),
            unreachable: false,
        }
    }

    /// A check that did not come back.
    pub(super) fn panicked(judged: Judged, error: tokio::task::JoinError) -> Self {
        let said = match error.try_into_panic() {
            Ok(payload) => panic_text(payload.as_ref()),
            Err(error) => error.to_string(),
        };
        Self::new(judged.with(Verdict::HarnessError, format!("the check itself failed: {said}")))
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}

impl Run {
    /// Acquires a target, runs the check on it and judges.
    pub(super) async fn one(&self, check: &'static Check) -> Done {
        let exclusive = check.moves_clock && self.pool.shared();
        let (_alone, _beside) = if exclusive {
            (Some(self.clock.write().await), None)
        } else {
            (None, Some(self.clock.read().await))
        };
        let judged = self.config.judged(check);
        let start = Instant::now();
        let target = match self.pool.acquire().await {
            Ok(target) => target,
            Err(error) => return without_target(judged, &error),
        };
        if let Some(reason) = not_offered(check, target.as_ref()) {
            return Done::new(judged.with(Verdict::NotApplicable, reason));
        }
        if check.moves_clock && target.clock() == ClockMode::None {
            let reason = "no time can pass on this target: it has no clock to move, and no waiting is allowed";
            return Done::new(judged.with(Verdict::NotTested, reason));
        }
        let limit = self.config.timeout + waiting(target.as_ref());
        let seed = check_seed(self.config.seed, check.id);
        let mut cx = Context::new(target, seed, self.addresses.clone())
            .salted(self.salt)
            .under(self.config.profile);
        let result = tokio::time::timeout(limit, (check.run)(&mut cx)).await;
        let result = result.unwrap_or_else(|_| {
            Err(CheckError::Harness(format!(
                "the check did not end within {} s",
                limit.as_secs()
            )))
        });
        let mut done = self.judge(check, judged, unless_time_ran_on(result, &cx), &cx);
        done.judged.took_ms = start.elapsed().as_secs_f64() * 1000.0;
        done
    }

    fn judge(&self, check: &'static Check, judged: Judged, result: CheckResult, cx: &Context) -> Done {
        let error = result.err();
        let mut verdict = error.as_ref().map_or(Verdict::Passed, CheckError::verdict);
        if verdict == Verdict::Failed && level_of(check.requirement(), self.config.profile) == Level::Should {
            verdict = Verdict::Warned;
        }
        let mut done = Done::new(judged);
        done.judged.verdict = verdict;
        done.tried = cx.tried().clone();
        if matches!(verdict, Verdict::Passed | Verdict::NotApplicable) && !self.config.record_all {
            done.judged.reason = error.as_ref().map(CheckError::to_string);
            return done;
        }
        let evidence = Evidence::new(check.id, cx.exchanges(), &cx.deliveries());
        if let Some(error) = error {
            done.unreachable = matches!(error, CheckError::Unreachable(_));
            done.judged.reason = Some(evidence.text(&error.to_string()));
            if let CheckError::Failed(breach) | CheckError::Advised(breach) = &error {
                let breach = evidence.breach(breach);
                (done.judged.expected, done.judged.seen) = (Some(breach.expected), Some(breach.seen));
                done.judged.curl = evidence.curl();
            }
        }
        done.evidence = evidence.events();
        done
    }
}

/// A breach that time may have caused by itself is none: a check leaves a fifth of a period at least for what its own steps take,
/// and where a clock that cannot be stopped took more, whatever lapsed may have lapsed rightly.
fn unless_time_ran_on(result: CheckResult, cx: &Context) -> CheckResult {
    let (error, lapse) = match result {
        Err(error @ (CheckError::Failed(Breach { lapse, .. }) | CheckError::Advised(Breach { lapse, .. }))) => (error, lapse),
        result => return result,
    };
    let (drift, bearable) = (cx.drift(), Duration::from_secs(lapse.shortest_s(cx.parameters())) / 5);
    if drift <= bearable {
        return Err(error);
    }
    Err(CheckError::Inconclusive(format!(
        "{:.1} s of real time passed beside what was waited for, {:.1} s are the most that the declared periods bear; {error}",
        drift.as_secs_f64(),
        bearable.as_secs_f64(),
    )))
}

fn without_target(judged: Judged, error: &TargetError) -> Done {
    let mut done = Done::new(judged.with(Verdict::HarnessError, error.to_string()));
    done.unreachable = matches!(error, TargetError::Unreachable { .. });
    done
}

/// Real waiting does not count as the check's own time.
fn waiting(target: &dyn Target) -> Duration {
    match target.clock() {
        ClockMode::Waiting { budget } => budget,
        ClockMode::Controlled | ClockMode::None => Duration::ZERO,
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
    Some(format!("the target does not have the capability `{}`", capability.name()))
}

/// The seed of a check: of the run's and its id, so that neither order nor jobs change it.
fn check_seed(seed: u64, id: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(id.as_bytes())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use targets::{DeliveryLog, Native, NativeOptions, Patterns};

    use super::*;
    use crate::context::Addresses;
    use crate::proof::{Lapse, failed};

    /// A context on a target that nobody asks anything.
    fn context(control: Option<&str>) -> Context {
        let options = NativeOptions {
            admin: control.map(str::to_owned),
            ..NativeOptions::new("http://127.0.0.1:9", DeliveryLog::new(Patterns::default()))
        };
        Context::new(Arc::new(Native::open(options).unwrap()), [1; 32], Addresses::default())
    }

    /// Something was let through that is to be refused.
    fn breach() -> CheckResult {
        failed("refused", "let through")
    }

    /// Something was refused that is to be accepted.
    fn refusal() -> CheckResult {
        let (expected, seen) = ("accepted".to_owned(), "refused".to_owned());
        let lapse = Lapse::Grant;
        Err(CheckError::Failed(Breach { expected, seen, lapse }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_breach_after_more_time_than_the_periods_bear_is_inconclusive() {
        let cx = context(None);
        for (lapse, ending) in [(Lapse::Grant, refusal as fn() -> CheckResult), (Lapse::Restriction, breach)] {
            let bearable = Duration::from_secs(lapse.shortest_s(cx.parameters())) / 5;
            tokio::time::advance(bearable.saturating_sub(cx.drift())).await;
            assert!(
                matches!(unless_time_ran_on(ending(), &cx), Err(CheckError::Failed(_))),
                "{lapse:?}"
            );
            tokio::time::advance(Duration::from_millis(1)).await;
            match unless_time_ran_on(ending(), &cx) {
                Err(CheckError::Inconclusive(told)) => assert!(told.contains("expected: "), "{told}"),
                other => panic!("{other:?}"),
            }
        }
        let missing = Err(CheckError::NotTested("no code came".to_owned()));
        assert!(matches!(unless_time_ran_on(missing, &cx), Err(CheckError::NotTested(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_stands_still_is_no_excuse() {
        let cx = context(Some("http://127.0.0.1:9"));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(matches!(unless_time_ran_on(breach(), &cx), Err(CheckError::Failed(_))));
    }
}
