//! The class of an answer of the reference API, by status *and* content: a status that is right with a content that is not (or
//! the reverse) is not recognised.

use specs::api::{PROBLEMS_PREFIX, ProblemKind, Success, Told, Verdict};

use crate::answer::Outcome;
use crate::operation::OperationKind;

/// An answer, as far as its class depends on it. Whoever reads answers by the thousand does so in a way of their own.
pub trait Reading {
    /// Whether the body has this member.
    fn tells(&self, member: &Told) -> bool;
    /// The body's `type`, where it is a problem.
    fn problem_type(&self) -> Option<&str>;
    /// `Retry-After` in seconds.
    fn retry_after_s(&self) -> Option<u64>;
}

pub fn outcome(operation: OperationKind, status: u16, answer: &impl Reading) -> Outcome {
    if (200..300).contains(&status) {
        let known = operation.call().answer(status);
        return match known.filter(|known| known.told.iter().all(|member| answer.tells(member))) {
            Some(known) => match known.means {
                Success::SignedIn => Outcome::SignedIn,
                Success::Challenged => Outcome::Challenged,
                Success::Done => Outcome::Done,
            },
            None => Outcome::Unrecognised,
        };
    }
    let uri = answer.problem_type();
    let verdict = match uri.and_then(|uri| ProblemKind::find(uri, status)) {
        Some(problem) => Some(problem.verdict()),
        // A service may have limits of its own; the status says all that a limit needs to.
        None if status == 429 && uri.is_some_and(|uri| uri.starts_with(PROBLEMS_PREFIX)) => Some(Verdict::Limited),
        None => None,
    };
    match verdict {
        Some(Verdict::Refused(reason)) => Outcome::Refused { reason },
        Some(Verdict::Limited) => Outcome::Limited {
            retry_after_s: answer.retry_after_s(),
        },
        Some(Verdict::Broken) | None if status >= 500 => Outcome::ServerError,
        Some(Verdict::Broken) | None => Outcome::Unrecognised,
    }
}
