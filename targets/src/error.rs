//! Why a target could not be used.

use crate::operation::OperationKind;

/// The target could not be used; never a verdict about it.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The connection failed, or no answer came in time.
    #[error("{operation}: no answer from {url}: {reason}")]
    Unreachable { operation: String, url: String, reason: String },
    /// The target does not offer the operation (declared).
    #[error("{0} is not offered by this target")]
    NotOffered(OperationKind),
    /// The binding cannot express the request.
    #[error("{operation}: {reason}")]
    Binding {
        operation: String,
        /// What is wrong, where, and what to do.
        reason: String,
    },
    /// The clock cannot be moved that far.
    #[error("time cannot pass: {0}")]
    Clock(String),
}
