//! Why a journey broke off.

use std::time::Duration;

use targets::{OperationKind, Outcome};

use crate::client::{Reply, Unanswered};
use crate::measure::Ending;

/// The way goes on, or it broke off here.
pub(super) type Way<T> = Result<T, Off>;

/// How a journey broke off.
#[derive(Debug)]
pub(super) struct Off {
    pub(super) ending: Ending,
    pub(super) retry_after: Option<Duration>,
    pub(super) complaint: String,
}

impl Off {
    pub(super) fn new(ending: Ending, complaint: impl Into<String>) -> Self {
        Self {
            ending,
            retry_after: None,
            complaint: complaint.into(),
        }
    }

    /// By an answer that is not the one that should have come, or none.
    pub(super) fn by(operation: OperationKind, outcome: &Result<Outcome, Unanswered>) -> Self {
        let complaint = match outcome {
            Ok(Outcome::Refused { reason }) => format!("{operation}: refused ({reason:?})"),
            Ok(Outcome::Limited { .. }) => format!("{operation}: limited"),
            Ok(outcome) => format!("{operation}: {outcome:?}"),
            Err(why) => format!("{operation}: {why}"),
        };
        Self {
            retry_after: retry_after(outcome),
            ..Self::new(unwanted(outcome), complaint)
        }
    }
}

/// How an exchange ended that did not end as it should.
pub(super) fn unwanted(outcome: &Result<Outcome, Unanswered>) -> Ending {
    match outcome {
        Ok(Outcome::Limited { .. }) => Ending::Limited,
        Ok(Outcome::Refused { .. }) => Ending::Refused,
        // An answer that is none of those that may come here is as bad as none that is understood.
        Ok(Outcome::ServerError | Outcome::Unrecognised | Outcome::SignedIn | Outcome::Challenged | Outcome::Done) => {
            Ending::Failed
        }
        Err(_) => Ending::Unanswered,
    }
}

/// How long the service asked to wait.
pub(super) fn retry_after(outcome: &Result<Outcome, Unanswered>) -> Option<Duration> {
    match outcome {
        Ok(Outcome::Limited { retry_after_s }) => retry_after_s.map(Duration::from_secs),
        _ => None,
    }
}

/// Whether the operation may have been done although nobody said so.
pub(super) fn in_doubt(reply: &Reply) -> bool {
    matches!(
        reply.outcome,
        Ok(Outcome::ServerError | Outcome::Unrecognised) | Err(Unanswered::Lost(_))
    )
}
