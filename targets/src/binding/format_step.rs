//! The steps of an operation as they are written: what is sent, how the answer is read, what is kept of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use specs::Refusal;
use toml::Spanned;

use crate::answer::Outcome;

/// One operation, routine or bootstrap: one to five steps.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OperationFile {
    /// The steps, in order.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<StepFile>"))]
    pub steps: Vec<Spanned<StepFile>>,
}

/// One step: a request, a call of another operation or routine, or waiting for a message.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// `METHOD /path`, a template below `base`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub request: Option<Spanned<String>>,
    /// The name of an operation or routine.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub call: Option<Spanned<String>>,
    /// A message to wait for.
    pub mail: Option<MailStepFile>,
    /// The actor who takes the step; the device itself when left out.
    #[serde(rename = "as")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub actor: Option<Spanned<String>>,
    /// The step is left out while this variable is set.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub unless: Option<Spanned<String>>,
    /// The step is left out unless each of these arguments has this value.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, serde_json::Value>"))]
    pub when: BTreeMap<Spanned<String>, toml::Value>,
    /// Headers of this request, besides and instead of those of `[request]`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub headers: BTreeMap<String, Spanned<String>>,
    /// A JSON body. A text that is one template alone keeps the variable's type.
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub json: Option<Spanned<toml::Table>>,
    /// A form, urlencoded.
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, String>>"))]
    pub form: Option<BTreeMap<String, Spanned<String>>>,
    /// Whether this is the request that departures and parallel sends are about; the first one when none says so.
    #[serde(default)]
    pub deciding: bool,
    /// How to read the answer: the first that fits counts.
    #[serde(default)]
    pub outcomes: Vec<MatcherFile>,
    /// Values taken from the answer.
    #[serde(default)]
    pub take: Vec<CaptureFile>,
    /// Facts of the answer by pointer: `email`, `device_id`, `two_step`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub facts: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Facts of the pending challenge by pointer: `id`, `method`, `expires_at`, `resend_at`, `attempts_left`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, String>>"))]
    pub challenge: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    /// The rows of a device list.
    pub devices: Option<RowsFile>,
    /// The rows of a list of pending challenges.
    pub challenges: Option<RowsFile>,
    /// Variables that are dropped once the step was accepted.
    #[serde(default)]
    pub forget: Vec<String>,
    /// Variables of the actor that the device gets.
    #[serde(default)]
    pub share: Vec<String>,
}

/// A message to wait for: one to this address that came after the operation began.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MailStepFile {
    /// The address, a template.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub to: Spanned<String>,
    /// The variable that gets what `[mail]` finds.
    pub into: String,
    /// What is looked for: `code` (the default) or `reset`.
    #[serde(default)]
    pub what: MailWhat,
}

/// What a message is read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MailWhat {
    /// What `[mail.code]` finds.
    #[default]
    Code,
    /// What `[mail.reset]` finds.
    Reset,
}

/// One reading of an answer: every condition has to hold.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MatcherFile {
    /// HTTP status, one or several.
    pub status: Option<OneOrMany>,
    /// Conditions on a JSON body.
    #[serde(default)]
    pub json: Vec<ConditionFile>,
    /// A pattern that the body has.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub body: Option<Spanned<String>>,
    /// A pattern that the `Location` header has.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub location: Option<Spanned<String>>,
    /// What it means.
    pub outcome: OutcomeName,
    /// Why, where it is a refusal.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub reason: Option<Refusal>,
    /// Whether the operation ends here; left out, `challenged` and `done` go on and all else ends it.
    pub end: Option<bool>,
}

/// One status or several.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(u16),
    /// Several.
    Many(Vec<u16>),
}

impl OneOrMany {
    /// Whether this status is meant.
    pub fn has(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Many(many) => many.contains(&status),
        }
    }
}

/// A condition on one value of a JSON body. With a pointer alone, the value has to be there.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConditionFile {
    /// RFC 6901 pointer; the empty one is the whole body.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub pointer: Spanned<String>,
    /// The value it has to have.
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub equals: Option<toml::Value>,
    /// Whether it has to be there.
    pub present: Option<bool>,
    /// Whether it has to be `null`.
    pub null: Option<bool>,
}

/// The classes of outcomes, as bindings write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeName {
    /// A full session was opened or renewed.
    SignedIn,
    /// A code is asked for.
    Challenged,
    /// The operation was done.
    Done,
    /// The operation was refused.
    Refused,
    /// Refused for now by a limit.
    Limited,
    /// The server failed.
    ServerError,
}

impl OutcomeName {
    /// As the contract has it.
    pub fn outcome(self, reason: Option<Refusal>, retry_after_s: Option<u64>) -> Outcome {
        match self {
            Self::SignedIn => Outcome::SignedIn,
            Self::Challenged => Outcome::Challenged,
            Self::Done => Outcome::Done,
            Self::Refused => Outcome::Refused {
                reason: reason.unwrap_or(Refusal::Unspecified),
            },
            Self::Limited => Outcome::Limited { retry_after_s },
            Self::ServerError => Outcome::ServerError,
        }
    }
}

/// A value taken from an answer into a variable: from exactly one of the four sources.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CaptureFile {
    /// The variable.
    pub name: String,
    /// RFC 6901 pointer into a JSON body.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub pointer: Option<Spanned<String>>,
    /// The name of a cookie that the device holds after the answer.
    pub cookie: Option<String>,
    /// The name of a header of the answer.
    pub header: Option<String>,
    /// A pattern on the body: group 1, or all of it where there is no group. HTML entities are resolved.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub html: Option<Spanned<String>>,
    /// Whether an accepted answer without it makes the binding wrong.
    #[serde(default)]
    pub required: bool,
}

/// Rows of a list.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowsFile {
    /// Pointer to the array.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub rows: Spanned<String>,
    /// Pointers within a row: `id`, `name`, `trusted`, `current`, `first_used_at`, `last_used_at`, `place` for devices;
    /// `id`, `method`, `expires_at`, `resend_at`, `attempts_left` for challenges.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub fields: BTreeMap<Spanned<String>, Spanned<String>>,
    /// A row is the asking device's when its `id` equals this variable.
    pub current_equals: Option<String>,
}
