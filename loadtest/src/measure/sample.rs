//! What is measured of one flow and of each of its steps.

use serde::{Deserialize, Serialize};
use targets::OperationKind;

/// How a flow or a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Completed,
    /// Refused, where it should not be.
    Refused,
    /// Turned away for now by a limit (429).
    Limited,
    /// The server failed (5xx), or answered what nobody understands.
    Failed,
    /// No answer: the connection failed, was reset, or nothing came in time.
    Unanswered,
    NoCode,
    /// Given up before it was begun: the queue was longer than the patience.
    Abandoned,
    /// Still under way or waiting when the run was cut short.
    Interrupted,
}

/// What a sample is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The whole flow, from the intended instant.
    #[serde(alias = "journey")]
    Flow,
    /// One exchange with the service.
    Exchange(OperationKind),
    /// From the moment a code was asked for to its arrival at the sink.
    Delivery(targets::Channel),
    /// From a code's arrival to its being submitted: the human part.
    CodeAge,
}

/// One measured thing. Microseconds from the storm's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose: the number of the class in the scenario.
    pub class: u16,
    pub step: Step,
    pub ending: Ending,
    /// When it should have begun.
    pub intended_us: u64,
    pub started_us: u64,
    pub done_us: u64,
    /// How much of it people took; no part of any latency.
    pub human_us: u64,
}

impl Ending {
    /// All of them.
    pub const ALL: [Ending; 8] = [
        Ending::Completed,
        Ending::Refused,
        Ending::Limited,
        Ending::Failed,
        Ending::Unanswered,
        Ending::NoCode,
        Ending::Abandoned,
        Ending::Interrupted,
    ];

    /// Its name in logs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Completed => "completed",
            Ending::Refused => "refused",
            Ending::Limited => "limited",
            Ending::Failed => "failed",
            Ending::Unanswered => "unanswered",
            Ending::NoCode => "no-code",
            Ending::Abandoned => "abandoned",
            Ending::Interrupted => "interrupted",
        }
    }
}

impl Sample {
    /// What a person waits for: from the intended instant, without their own time.
    pub fn response_us(&self) -> u64 {
        self.done_us.saturating_sub(self.intended_us).saturating_sub(self.human_us)
    }

    /// What the service took, once it was asked.
    pub fn service_us(&self) -> u64 {
        self.done_us.saturating_sub(self.started_us).saturating_sub(self.human_us)
    }

    /// How late the generator was.
    pub fn lag_us(&self) -> u64 {
        self.started_us.saturating_sub(self.intended_us)
    }
}
