//! What a finished storm came to: the one record that every report, comparison and merge is made of. Fields are added, never
//! renamed. It holds no secret: accounts are numbers, and no code or token enters it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::measure::Percentiles;
pub use crate::measure::resources::Resources;
use crate::measure::{Ending, Step};
use crate::plan::Shard;
use crate::plan::scenario::{Flow, Phase, Scenario};

/// A run's record, in its directory.
pub const RECORD: &str = "record.json";

/// A run's interval log, in its directory.
pub const LOG: &str = "storm.hlog";

/// The format that is written; the ones before it are read, too.
pub const FORMAT: u32 = 2;

fn first_format() -> u32 {
    1
}

/// The record of one storm, or of one worker's shard of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format of this record; 1 spelled some fields otherwise and had no number.
    #[serde(default = "first_format")]
    pub format: u32,
    /// `stepproof-load`, and its version.
    pub tool: Tool,
    /// The storm as it was run, with everything that was changed on the command line.
    pub scenario: Scenario,
    /// The seed of arrivals, identities and think times.
    pub seed: u64,
    /// What was under load: its name and its origin.
    pub target: TargetFacts,
    /// When the first arrival was due, RFC 3339.
    pub started_at: String,
    /// Seconds from then to the end of the run.
    pub took_s: f64,
    /// Which part of the arrivals this is; `None` is all of them.
    #[serde(alias = "slice")]
    pub shard: Option<Shard>,
    /// Whether the run was cut short.
    pub interrupted: bool,
    /// What each class came to, in the order of the scenario.
    #[serde(alias = "parties")]
    pub classes: Vec<ClassRecord>,
    /// The storm second by second.
    pub seconds: Vec<Second>,
    pub deliveries: Deliveries,
    /// What attackers achieved; `None` where there are none.
    pub attack: Option<Attack>,
    /// The history, judged on the abstract machine.
    pub safety: Safety,
    /// Processor time and memory, about once a second.
    pub resources: Vec<Resources>,
    /// Whether the generator was the limit.
    pub generator: Generator,
    /// Seconds from the last arrival to the moment when nobody waited any more; `None` when somebody still did.
    pub drain_s: Option<f64>,
    /// Each threshold and how it was kept.
    #[serde(alias = "promises")]
    pub thresholds: Vec<Threshold>,
    pub verdict: Verdict,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// What was under load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// Its name, such as `reference server` or the binding's.
    pub name: String,
    pub origin: String,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    pub name: String,
    pub attacker: bool,
    /// What each of it did.
    #[serde(alias = "journey")]
    pub flow: Flow,
    /// Where all its arrivals went.
    pub funnel: Funnel,
    /// Response time of completed flows: from the intended instant, without people's own time.
    pub response: Percentiles,
    /// Service time of flows that were begun: from the actual start.
    pub service: Percentiles,
    /// Scheduling delay of all arrivals.
    #[serde(alias = "lag")]
    pub scheduling_delay: Percentiles,
    pub steps: Vec<StepRecord>,
    /// The first few things that went wrong, in words.
    pub complaints: Vec<String>,
}

/// Where arrivals went. `offered` is the sum of all the others but `started` and `attempts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    pub offered: u64,
    /// Of them, those that were begun.
    pub started: u64,
    /// Flows walked, further attempts included.
    pub attempts: u64,
    /// By ending: completed, refused, limited, …
    pub completed: u64,
    pub refused: u64,
    pub limited: u64,
    pub failed: u64,
    pub unanswered: u64,
    pub no_code: u64,
    pub abandoned: u64,
    pub interrupted: u64,
}

/// Percentiles of one clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    pub count: u64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// One step of a class's flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub step: Step,
    /// How often it ended how.
    pub endings: BTreeMap<Ending, u64>,
    /// Its service time, however it ended.
    pub service: Percentiles,
}

/// One second of the storm, from its beginning; all legitimate classes together, and the attackers apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Which, from 0.
    pub at: u32,
    /// Legitimate arrivals that were due in it.
    pub offered: u64,
    /// Legitimate flows completed in it.
    pub completed: u64,
    /// Legitimate flows that ended otherwise in it, but for those abandoned.
    pub broken_off: u64,
    /// Legitimate arrivals abandoned in it.
    pub abandoned: u64,
    /// Attackers' flows that ended in it.
    pub attacks: u64,
    /// Response times of the completed legitimate flows that were due in it.
    pub response: Percentiles,
    /// The same as a histogram for the heat map: [upper bound in milliseconds, count], not empty ones only, rising.
    pub heat: Vec<(f64, u64)>,
}

/// The delivery channel, by the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Push messages with a code.
    pub push: u64,
    pub email: u64,
    /// From the request that asked for it to its arrival.
    pub lag: Percentiles,
    /// From its arrival to its being submitted.
    pub code_age: Percentiles,
    /// Code messages for each completed flow with a second step.
    pub sends_per_login: f64,
}

/// What attackers achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attack {
    /// Accounts in which an attacker had a session. It must be none.
    pub accounts_entered: u64,
    /// Passwords and codes that the service judged.
    pub guesses_evaluated: u64,
    /// The most codes judged wrong at one account.
    pub most_guesses_at_one_account: u64,
    pub sends_caused: u64,
    /// Legitimate arrivals that were refused or limited, as a part of those offered.
    pub collateral: f64,
}

/// The judgement of the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    /// Accounts whose history was replayed.
    pub accounts: u64,
    pub operations: u64,
    /// Of them, those without an answer: done or not.
    pub indeterminate: u64,
    /// Accounts whose history could not be judged (too much at once), which is no judgement.
    pub unjudged: u64,
    /// What no order of the operations explains.
    pub breaches: Vec<Breach>,
}

/// A broken threshold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Breach {
    /// Which: `code-redeemed-twice`, `session-without-second-step`, `session-after-removal`, `over-budget`, or `other`.
    #[serde(alias = "promise")]
    pub rule: String,
    /// The requirement it belongs to.
    pub requirement: String,
    pub account: u64,
    /// What happened, operation by operation, in words, with times.
    #[serde(alias = "told")]
    pub steps: Vec<String>,
}

/// Whether the generator was the limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// 99th percentile of how late the scheduler itself was.
    pub schedule_lag_p99_ms: f64,
    /// Why the run says nothing about the service; empty is good.
    pub limits: Vec<String>,
    /// Kept connections that were found closed; `None` where the connections are those of a binding's target.
    #[serde(default)]
    pub reconnects: Option<Reconnects>,
}

/// How often a kept connection was found closed, by what the phone's HTTP client could do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnects {
    /// Nothing of the request was written yet: it was made on a new connection.
    pub reopened: u64,
    /// The request was written, no byte of an answer came, and it changes nothing: it was made again on a new connection.
    pub repeated: u64,
    /// The same with a request that may have changed something: not made again, and indeterminate in the history.
    pub in_doubt: u64,
}

impl Reconnects {
    /// Field by field.
    pub(crate) fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            reopened: with(self.reopened, other.reopened),
            repeated: with(self.repeated, other.repeated),
            in_doubt: with(self.in_doubt, other.in_doubt),
        }
    }
}

/// A threshold and how it was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// In words, such as `p99 of new-device at most 500 ms in phase peak`.
    pub what: String,
    pub wanted: f64,
    /// What was found; `None` when nothing was measured, which is not kept.
    pub found: Option<f64>,
    /// Whether it was kept.
    #[serde(alias = "kept")]
    pub passed: bool,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every threshold kept, no breach.
    #[serde(alias = "held")]
    Passed,
    /// A threshold broken, or a breach.
    #[serde(alias = "broken")]
    Failed,
    /// Too little happened to say.
    TooLittle,
    /// The generator was the limit: no result about the service.
    GeneratorLimited,
}

impl Verdict {
    /// The exit code of a run that ends so.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Failed => 1,
            Verdict::TooLittle => 4,
            Verdict::GeneratorLimited => 5,
        }
    }
}

impl Record {
    /// The phase that an instant of the storm belongs to.
    pub fn phase_at(&self, at_s: f64) -> Option<&Phase> {
        self.scenario.phases.iter().rev().find(|phase| phase.from_s <= at_s)
    }
}
