//! Why a flow broke off.

use std::time::Duration;

use goose::goose::TransactionError;
use serde::{Deserialize, Serialize};
use targets::{OperationKind, Outcome};

use crate::client::{Reply, Unanswered};
use crate::measure::Ending;

/// How a flow broke off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowError {
    pub ending: Ending,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// What went wrong, in words.
    pub complaint: String,
}

/// A transaction has a text for an error of one's own: this one goes through it whole, and comes out again where the flow is over.
impl From<FlowError> for Box<TransactionError> {
    fn from(error: FlowError) -> Self {
        let text = serde_json::to_string(&error).unwrap_or(error.complaint);
        Box::new(TransactionError::Custom(text))
    }
}

/// Any other error is a flow's own, and a failure.
impl From<Box<TransactionError>> for FlowError {
    fn from(error: Box<TransactionError>) -> Self {
        match *error {
            TransactionError::Custom(text) => serde_json::from_str(&text).unwrap_or_else(|_| Self::new(Ending::Failed, text)),
            other => Self::new(Ending::Failed, other.to_string()),
        }
    }
}

impl FlowError {
    pub fn new(ending: Ending, complaint: impl Into<String>) -> Self {
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
