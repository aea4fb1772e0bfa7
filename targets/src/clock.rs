//! How a target's time passes for the harness.

use std::time::Duration;

use serde::Serialize;

/// The three ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockMode {
    /// The target's clock moves on order.
    Controlled,
    /// Real waiting, this much in all.
    Waiting {
        /// The budget of one run.
        budget: Duration,
    },
    /// No way to let time pass.
    None,
}
