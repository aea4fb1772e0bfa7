//! How a check may end. It passes only by handing over a [`Proof`], and a proof of a refusal can only be had beside the
//! accepted twin that differs from it in one factor.

use std::fmt;

use specs::Parameters;
use targets::{Answer, Outcome, TargetError};

use crate::verdict::Verdict;

/// Evidence that something was really judged. Only the assertions of this module make one.
#[must_use = "a proof is what lets a check pass"]
#[derive(Debug)]
pub struct Proof(());

impl Proof {
    pub fn and(self, _other: Proof) -> Proof {
        self
    }
}

/// What went against the requirement.
#[derive(Clone, Debug, PartialEq)]
pub struct Breach {
    pub expected: String,
    pub seen: String,
    /// What may have lapsed by itself to make it look like this.
    pub lapse: Lapse,
}

/// What ends by the mere passing of time. Where a target's clock cannot be stopped, a breach is one only if this had no time to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// A code, a challenge, a session: something that was good is refused.
    Grant,
    /// A lock, a window of failures: something that was held back is let through.
    Restriction,
}

impl Lapse {
    /// The shortest of these in seconds, as declared.
    pub fn shortest_s(self, declared: &Parameters) -> u64 {
        let session_s = declared.session_idle_s.unwrap_or(declared.session_absolute_s);
        let seconds: &[u64] = match self {
            Lapse::Grant => &[
                declared.code_ttl_s,
                declared.challenge_max_s,
                declared.reauth_max_s,
                session_s,
            ],
            Lapse::Restriction => &[declared.window_s, declared.source_window_s, declared.lock_s],
        };
        seconds.iter().copied().filter(|seconds| *seconds > 0).min().unwrap_or(0)
    }
}

/// Why a check ended without a proof.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckError {
    Failed(Breach),
    /// What the requirement only recommends is not kept.
    Advised(Breach),
    /// A prerequisite is missing.
    NotTested(String),
    /// The target does not offer what the requirement speaks about.
    NotApplicable(String),
    /// The uncertainty is larger than the effect.
    Inconclusive(String),
    Unreachable(String),
    /// The harness itself is wrong.
    Harness(String),
}

impl From<TargetError> for CheckError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Unreachable { .. } => CheckError::Unreachable(error.to_string()),
            TargetError::NotOffered(_) => CheckError::NotApplicable(error.to_string()),
            TargetError::Binding { .. } => CheckError::Harness(error.to_string()),
            TargetError::Clock(_) => CheckError::NotTested(error.to_string()),
        }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::Failed(Breach { expected, seen, .. }) | CheckError::Advised(Breach { expected, seen, .. }) => {
                write!(f, "expected: {expected}; seen: {seen}")
            }
            CheckError::NotTested(reason)
            | CheckError::NotApplicable(reason)
            | CheckError::Inconclusive(reason)
            | CheckError::Unreachable(reason)
            | CheckError::Harness(reason) => f.write_str(reason),
        }
    }
}

impl CheckError {
    pub fn verdict(&self) -> Verdict {
        match self {
            CheckError::Failed(_) => Verdict::Failed,
            CheckError::Advised(_) => Verdict::Warned,
            CheckError::NotTested(_) => Verdict::NotTested,
            CheckError::NotApplicable(_) => Verdict::NotApplicable,
            CheckError::Inconclusive(_) => Verdict::Inconclusive,
            CheckError::Unreachable(_) | CheckError::Harness(_) => Verdict::HarnessError,
        }
    }
}

pub type CheckResult = Result<Proof, CheckError>;

/// Ends the check as not tested: a prerequisite is missing.
pub fn not_tested<T>(why: impl Into<String>) -> Result<T, CheckError> {
    Err(CheckError::NotTested(why.into()))
}

/// What is there, or the check ends as not tested.
pub fn require<T>(what: Option<T>, otherwise: &str) -> Result<T, CheckError> {
    what.ok_or_else(|| CheckError::NotTested(otherwise.to_owned()))
}

/// Every result is a proof, and there is at least one. A breach goes before whatever else stopped: what was accepted and should
/// not have been may well be why a control came to nothing.
pub fn all(results: impl IntoIterator<Item = CheckResult>) -> CheckResult {
    let mut whole = Err(CheckError::Harness("nothing was tried".to_owned()));
    let mut stopped = None;
    for result in results {
        match result {
            Ok(proof) => whole = Ok(proof),
            Err(breach @ CheckError::Failed(_)) => return Err(breach),
            Err(error) => stopped = stopped.or(Some(error)),
        }
    }
    stopped.map_or(whole, Err)
}

/// The target has to refuse `bad`, where the twin `good`, which differs in one factor, is accepted. `bad` accepted is a
/// breach whatever the twin did; `bad` refused beside a refused twin shows nothing and leaves the requirement untested.
pub fn assert_refused(what: &str, bad: &Answer, good: &Answer) -> CheckResult {
    if bad.operation != good.operation {
        return Err(CheckError::Harness(format!(
            "{what}: twins differ in operation ({} and {})",
            bad.operation, good.operation
        )));
    }
    if bad.accepted() {
        return failed(format!("{what}: refused"), describe(bad));
    }
    if !good.accepted() {
        return not_tested(format!("{what}: the control was not accepted either ({})", describe(good)));
    }
    Ok(Proof(()))
}

/// Each of these, told in words, has to be refused where the one twin of all is accepted.
pub fn all_refused(tries: &[(impl AsRef<str>, Answer)], good: &Answer) -> CheckResult {
    all(tries.iter().map(|(what, bad)| assert_refused(what.as_ref(), bad, good)))
}

/// As [`assert_refused`], for a value that is a promise in both directions: a refused twin is a breach, too.
pub fn assert_two_sided(bad_is: &str, bad: &Answer, good_is: &str, good: &Answer) -> CheckResult {
    match assert_refused(bad_is, bad, good) {
        Err(CheckError::NotTested(_)) => assert_accepted(good_is, good),
        result => result,
    }
}

/// The device has to be asked for a code (or refused), where its twin is signed in with the password alone.
pub fn assert_challenged(what: &str, bad: &Answer, good: &Answer) -> CheckResult {
    if bad.outcome == Outcome::SignedIn {
        return failed(format!("{what}: a code is asked for"), describe(bad));
    }
    if good.outcome != Outcome::SignedIn {
        return not_tested(format!(
            "{what}: the control did not skip the step either ({})",
            describe(good)
        ));
    }
    Ok(Proof(()))
}

/// Each of these, told in words, has to be asked for a code where the one twin of all skips the step.
pub fn all_challenged(tries: &[(impl AsRef<str>, Answer)], good: &Answer) -> CheckResult {
    all(tries.iter().map(|(what, bad)| assert_challenged(what.as_ref(), bad, good)))
}

pub fn assert_accepted(what: &str, answer: &Answer) -> CheckResult {
    if answer.accepted() {
        Ok(Proof(()))
    } else {
        breach(format!("{what}: accepted"), describe(answer), Lapse::Grant)
    }
}

/// The answer has to be of this outcome.
pub fn assert_outcome(what: &str, answer: &Answer, outcome: Outcome) -> CheckResult {
    assert_that(what, answer.outcome == outcome, describe(answer))
}

pub fn assert_that(what: &str, fact: bool, seen: impl Into<String>) -> CheckResult {
    if fact { Ok(Proof(())) } else { failed(what, seen) }
}

/// A breach.
pub fn failed(expected: impl Into<String>, seen: impl Into<String>) -> CheckResult {
    breach(expected.into(), seen.into(), Lapse::Restriction)
}

fn breach(expected: String, seen: String, lapse: Lapse) -> CheckResult {
    Err(CheckError::Failed(Breach { expected, seen, lapse }))
}

/// For what a requirement only recommends: a breach of it is a warning.
pub fn downgrade(result: CheckResult) -> CheckResult {
    result.map_err(|error| match error {
        CheckError::Failed(breach) => CheckError::Advised(breach),
        error => error,
    })
}

/// An answer in a few words: operation, class, status.
pub fn describe(answer: &Answer) -> String {
    let status = answer
        .last()
        .map_or_else(String::new, |exchange| format!(" (HTTP {})", exchange.status));
    format!("{} was answered {:?}{status}", answer.operation, answer.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_tested() -> CheckResult {
        Err(CheckError::NotTested("no control".to_owned()))
    }

    #[test]
    fn a_breach_goes_before_a_missing_control() {
        assert!(matches!(all([]), Err(CheckError::Harness(_))));
        assert!(matches!(all([Ok(Proof(())), not_tested()]), Err(CheckError::NotTested(_))));
        assert!(matches!(all([not_tested(), failed("a", "b")]), Err(CheckError::Failed(_))));
        assert!(all([Ok(Proof(())), Ok(Proof(()))]).is_ok());
    }
}
