//! How a check may end. It passes only by handing over a [`Proof`], and a proof of a refusal can only be had beside the
//! accepted twin that differs from it in one factor.

use specs::Parameters;
use targets::{Answer, Outcome, TargetError};

/// Evidence that something was really judged. Only the assertions of this module make one.
#[must_use = "a proof is what lets a check pass"]
#[derive(Debug)]
pub struct Proof(());

impl Proof {
    /// Both.
    pub fn and(self, _other: Proof) -> Proof {
        self
    }
}

/// What went against the requirement.
#[derive(Clone, Debug, PartialEq)]
pub struct Breach {
    /// What the requirement asks for here.
    pub expected: String,
    /// What the target did.
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
pub enum Stop {
    /// The requirement is broken.
    Failed(Breach),
    /// What the requirement only recommends is not kept.
    Advised(Breach),
    /// A prerequisite is missing.
    NotTested(String),
    /// The target does not offer what the requirement speaks about.
    NotApplicable(String),
    /// The uncertainty is larger than the effect.
    Inconclusive(String),
    /// The target could not be reached.
    Unreachable(String),
    /// The harness itself is wrong.
    Harness(String),
}

impl From<TargetError> for Stop {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Unreachable { .. } => Stop::Unreachable(error.to_string()),
            TargetError::NotOffered(_) => Stop::NotApplicable(error.to_string()),
            TargetError::Binding { .. } => Stop::Harness(error.to_string()),
            TargetError::Clock(_) => Stop::NotTested(error.to_string()),
        }
    }
}

/// How a check ends.
pub type Ending = Result<Proof, Stop>;

/// Every ending is a proof, and there is at least one. A breach goes before whatever else stopped: what was accepted and should
/// not have been may well be why a control came to nothing.
pub fn every(endings: impl IntoIterator<Item = Ending>) -> Ending {
    let mut whole = Err(Stop::Harness("nothing was tried".to_owned()));
    let mut stopped = None;
    for ending in endings {
        match ending {
            Ok(proof) => whole = Ok(proof),
            Err(breach @ Stop::Failed(_)) => return Err(breach),
            Err(stop) => stopped = stopped.or(Some(stop)),
        }
    }
    stopped.map_or(whole, Err)
}

/// The target has to refuse `bad`, where the twin `good`, which differs in one factor, is accepted. `bad` accepted is a
/// breach whatever the twin did; `bad` refused beside a refused twin shows nothing and leaves the requirement untested.
pub fn refused(what: &str, bad: &Answer, good: &Answer) -> Ending {
    if bad.operation != good.operation {
        return Err(Stop::Harness(format!(
            "{what}: twins differ in operation ({} and {})",
            bad.operation, good.operation
        )));
    }
    if bad.accepted() {
        return failed(format!("{what}: refused"), describe(bad));
    }
    if !good.accepted() {
        return Err(Stop::NotTested(format!(
            "{what}: the control was not accepted either ({})",
            describe(good)
        )));
    }
    Ok(Proof(()))
}

/// The device has to be asked for a code (or refused), where its twin is signed in with the password alone.
pub fn asked(what: &str, bad: &Answer, good: &Answer) -> Ending {
    if bad.outcome == Outcome::SignedIn {
        return failed(format!("{what}: a code is asked for"), describe(bad));
    }
    if good.outcome != Outcome::SignedIn {
        return Err(Stop::NotTested(format!(
            "{what}: the control did not skip the step either ({})",
            describe(good)
        )));
    }
    Ok(Proof(()))
}

/// The target has to accept.
pub fn accepted(what: &str, answer: &Answer) -> Ending {
    if answer.accepted() {
        Ok(Proof(()))
    } else {
        breach(format!("{what}: accepted"), describe(answer), Lapse::Grant)
    }
}

/// A fact has to hold.
pub fn holds(what: &str, fact: bool, seen: impl Into<String>) -> Ending {
    if fact {
        Ok(Proof(()))
    } else {
        failed(what.to_owned(), seen.into())
    }
}

/// A breach.
pub fn failed(expected: impl Into<String>, seen: impl Into<String>) -> Ending {
    breach(expected.into(), seen.into(), Lapse::Restriction)
}

fn breach(expected: String, seen: String, lapse: Lapse) -> Ending {
    Err(Stop::Failed(Breach { expected, seen, lapse }))
}

/// For what a requirement only recommends: a breach of it is a warning.
pub fn advised(ending: Ending) -> Ending {
    ending.map_err(|stop| match stop {
        Stop::Failed(breach) => Stop::Advised(breach),
        stop => stop,
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

    fn not_tested() -> Ending {
        Err(Stop::NotTested("no control".to_owned()))
    }

    #[test]
    fn a_breach_goes_before_a_missing_control() {
        assert!(matches!(every([]), Err(Stop::Harness(_))));
        assert!(matches!(every([Ok(Proof(())), not_tested()]), Err(Stop::NotTested(_))));
        assert!(matches!(every([not_tested(), failed("a", "b")]), Err(Stop::Failed(_))));
        assert!(every([Ok(Proof(())), Ok(Proof(()))]).is_ok());
    }
}
