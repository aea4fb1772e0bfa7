//! What the engine tells while it runs: typed events, and nothing printed. Every report is made from them, also later from
//! their record. Fields are added, never renamed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::verdict::{Counts, Verdict};

/// One event; one line of `run.ndjson`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted(Box<RunStarted>),
    /// A check begins.
    CheckStarted {
        /// Its id.
        check: String,
        /// The requirements it judges.
        requirements: Vec<String>,
        /// What it does, in a sentence.
        title: String,
    },
    /// One exchange with the target, redacted.
    Exchange {
        /// The check it belongs to.
        check: String,
        /// Operation, device, request, response, times.
        #[serde(flatten)]
        exchange: Map<String, Value>,
    },
    /// One delivered message, redacted.
    Delivery {
        /// The check it belongs to.
        check: String,
        /// Channel, recipient, text, time.
        #[serde(flatten)]
        message: Map<String, Value>,
    },
    /// One case of the state machine's walks ended.
    Walk {
        /// The name the walks go by.
        check: String,
        /// The case's number.
        case: u32,
        /// Answers that were compared with the machine's.
        compared: usize,
        /// Walks that it took, those for shrinking included.
        runs: u32,
        /// The requirement that was broken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        broken: Option<String>,
        /// Why it came to no end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
    },
    /// A check ended.
    Verdict(Box<Judged>),
    /// The run ended. A record without this line is an interrupted run.
    RunFinished(RunFinished),
}

/// The beginning of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    /// When, RFC 3339.
    pub at: String,
    /// The tool.
    pub tool: Tool,
    /// The target.
    pub target: TargetInfo,
    /// The reading of the requirements.
    pub profile: String,
    /// The seed of everything random.
    pub seed: u64,
    /// How time passes on the target.
    pub clock: String,
    /// What the target declares.
    pub parameters: Value,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Checks selected.
    pub selected: usize,
}

/// The tool that ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The target of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TargetInfo {
    /// Its name.
    pub name: String,
    /// Where it answers.
    pub urls: Vec<String>,
    /// The binding it was spoken to by.
    pub binding: Option<String>,
}

/// The verdict on one check, with what a reader needs to believe and repeat it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Judged {
    /// The check.
    pub check: String,
    /// The requirement it judges.
    pub requirement: String,
    /// How strongly that binds in the run's profile.
    pub level: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, where it did not simply pass.
    pub reason: Option<String>,
    /// What was asked for, where it is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The case, where a walk found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<u32>,
    /// Its steps in plain words, with the answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<String>,
    /// Its steps as data, which can be walked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Value>,
    /// A chain of curl commands that repeats it, for people: no program runs it, one makes it anew from the exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<String>,
    /// Milliseconds it took.
    pub took_ms: f64,
    /// The command that repeats it.
    pub replay: String,
}

/// The end of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFinished {
    /// When, RFC 3339.
    pub at: String,
    /// How often each verdict was given.
    pub counts: Counts,
    /// Requirements that were really judged.
    pub requirements_judged: usize,
    /// What is missing for a verdict, where too little was tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// The exit code.
    pub exit: u8,
    /// Whether it was cut short.
    pub interrupted: bool,
}

impl Judged {
    /// The same with this verdict, and why.
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
