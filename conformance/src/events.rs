//! What the engine tells while it runs: typed events, and nothing printed. Every report is made from them, also later from
//! their record.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::verdict::{Counts, Verdict};

/// The format of the record. Fields are added without a new number; what is renamed gets one, and is read under its former name,
/// too: `walk` and `steps` of format 1, which had no number, are `case` and `trace` of format 2.
pub const FORMAT: u32 = 2;

fn first_format() -> u32 {
    1
}

/// One event; one line of `run.ndjson`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RunStarted(Box<RunStarted>),
    CheckStarted {
        check: String,
        requirements: Vec<String>,
        title: String,
    },
    /// One exchange with the target, redacted.
    Exchange {
        check: String,
        /// Operation, device, request, response, times.
        #[serde(flatten)]
        exchange: Map<String, Value>,
    },
    /// One delivered message, redacted.
    Delivery {
        check: String,
        /// Channel, recipient, text, time.
        #[serde(flatten)]
        message: Map<String, Value>,
    },
    /// One case of the state machine ended.
    #[serde(alias = "walk")]
    Case {
        /// The name that all cases go by.
        check: String,
        case: u32,
        /// Answers that were compared with the machine's.
        compared: usize,
        /// Runs that it took, those for shrinking included.
        runs: u32,
        /// The requirement that was broken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        broken: Option<String>,
        /// Why it came to no end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
    },
    Verdict(Box<Judged>),
    RunFinished(RunFinished),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    #[serde(default = "first_format")]
    pub format: u32,
    /// RFC 3339.
    pub at: String,
    pub tool: Tool,
    pub target: TargetInfo,
    pub profile: String,
    pub seed: u64,
    /// How time passes on the target: controlled, waiting or none.
    pub clock: String,
    /// What the target declares.
    pub parameters: Value,
    pub capabilities: Vec<String>,
    /// Checks selected.
    pub selected: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TargetInfo {
    pub name: String,
    pub urls: Vec<String>,
    /// The binding it was spoken to by.
    pub binding: Option<String>,
}

/// The verdict on one check, with what a reader needs to believe and repeat it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Judged {
    pub check: String,
    pub requirement: String,
    /// How strongly the requirement binds in the run's profile.
    pub level: String,
    pub verdict: Verdict,
    /// Why, where it did not simply pass.
    pub reason: Option<String>,
    /// What was asked for, where it is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The case of the state machine that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<u32>,
    /// Its steps in plain words, with the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<String>,
    /// Its steps as data, which can be run again.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "steps")]
    pub trace: Option<Value>,
    /// A chain of curl commands that repeats it, for people: no program runs it, one makes it anew from the exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<String>,
    pub took_ms: f64,
    /// The command that repeats it.
    pub replay: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFinished {
    /// RFC 3339.
    pub at: String,
    /// How often each verdict was given.
    pub counts: Counts,
    /// Requirements that were really judged.
    pub requirements_judged: usize,
    /// What is missing for a verdict, where too little was tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    pub exit: u8,
    /// Whether it was cut short.
    pub interrupted: bool,
}

impl Judged {
    pub fn with(self, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: Some(reason.into()),
            ..self
        }
    }
}

/// The requirements of the catalogue that were really judged.
pub(crate) fn requirements_judged(judged: &[Judged]) -> BTreeSet<&str> {
    let judged = judged.iter().filter(|judged| judged.verdict.judged());
    judged
        .map(|judged| judged.requirement.as_str())
        .filter(|id| specs::catalogue::requirement(id).is_some())
        .collect()
}

impl Event {
    /// Its line in the record, which a terminal can show.
    pub fn line(&self) -> String {
        let line = serde_json::to_string(self).unwrap_or_default();
        targets::text::json(&line).into_owned()
    }
}
