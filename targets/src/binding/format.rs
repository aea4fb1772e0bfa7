//! The binding file as it is written. Nothing is judged here but shape; meaning comes in [`super::load`](mod@super::load).
//!
//! Texts that can be wrong in themselves (templates, patterns, pointers, names) are [`Spanned`], so that a diagnostic can
//! point at them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use specs::Parameters;
use toml::Spanned;

pub use super::format_step::{
    CaptureFile, ConditionFile, MailStepFile, MatcherFile, OneOrMany, OperationFile, OutcomeName, RowsFile, StepFile,
};

/// How Stepproof talks to one implementation.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BindingFile {
    /// Name in reports.
    pub name: String,
    /// One sentence for people: which product, which version, which configuration.
    #[serde(default)]
    pub summary: String,
    /// Path in front of every request's path, such as `/api/auth`.
    #[serde(default)]
    pub base: String,
    /// What the implementation can do beyond single operations.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub capabilities: Vec<Spanned<String>>,
    /// What it declares about itself; what is left out has the value of the specification.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, serde_json::Value>"))]
    pub parameters: Parameters,
    /// Facts that the parameters do not tell.
    #[serde(default)]
    pub facts: FactsFile,
    /// How its time passes.
    #[serde(default)]
    pub clock: ClockFile,
    /// How to start it.
    pub launch: Option<LaunchFile>,
    /// What goes with every request.
    #[serde(default)]
    pub request: RequestFile,
    /// Where each credential lives: `handle`, `access`, `refresh`, `trust`.
    #[serde(default)]
    pub credentials: CredentialsFile,
    /// How to read its messages.
    #[serde(default)]
    pub mail: MailFile,
    /// Values taken after every answer.
    #[serde(default)]
    pub take: Vec<CaptureFile>,
    /// What a device keeps after signing out.
    pub keep: Option<KeepFile>,
    /// Steps that several operations share, called by name.
    #[serde(default)]
    pub routines: BTreeMap<String, OperationFile>,
    /// Second actors, such as an owner who invites: set up once, shared by all devices.
    #[serde(default)]
    pub actors: BTreeMap<String, OperationFile>,
    /// How each operation is spoken. An operation left out is not offered.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, OperationFile>"))]
    pub operations: BTreeMap<Spanned<String>, OperationFile>,
}

/// Facts of the tested configuration that the parameters do not tell.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FactsFile {
    /// Steps in which the life of a code can move, seconds.
    pub code_granularity_s: f64,
    /// The shortest life of a code that can be configured, seconds.
    pub code_shortest_s: f64,
    /// Milliseconds to leave after a wrong code before the next one is read.
    pub pause_after_wrong_ms: u64,
    /// Seconds a message may take.
    pub mail_slow_s: u64,
    /// Milliseconds after an operation until its effects hold.
    pub settle_ms: u64,
    /// Whether throttling is on.
    pub limits: Switch,
    /// What a code belongs to.
    pub code_belongs_to: CodeOwner,
    /// Where the wish to be remembered is told.
    pub trust_asked: TrustAsked,
    /// Whether a fresh account has two-step verification on.
    pub two_step_by_default: Switch,
}

impl Default for FactsFile {
    fn default() -> Self {
        Self {
            code_granularity_s: 1.0,
            code_shortest_s: 1.0,
            pause_after_wrong_ms: 0,
            mail_slow_s: 5,
            settle_ms: 0,
            limits: Switch::Off,
            code_belongs_to: CodeOwner::Account,
            trust_asked: TrustAsked::Verify,
            two_step_by_default: Switch::On,
        }
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CodeOwner {
    /// One challenge: it opens no other.
    Challenge,
    /// The account: whichever challenge asks.
    Account,
}

/// Where the wish to be remembered is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrustAsked {
    /// With the password.
    SignIn,
    /// With the code.
    Verify,
    /// In a step of its own, listed under `verify`.
    Step,
    /// Nowhere: what the session leaves behind is the device.
    Never,
}

/// How the target's time passes.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, tag = "mode", rename_all = "lowercase")]
pub enum ClockFile {
    /// Real waiting, this many seconds in all.
    Waiting {
        /// The budget of one run, seconds.
        budget_s: u64,
    },
    /// No way to let time pass.
    #[default]
    None,
}

/// How to start the implementation.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LaunchFile {
    /// The program, from `working_dir`.
    pub command: String,
    /// Its arguments: `{port}`, `{smtp_host}` and `{smtp_port}` are filled in.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub args: Vec<Spanned<String>>,
    /// Environment variables, filled in likewise.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub env: BTreeMap<String, Spanned<String>>,
    /// Relative to the binding file.
    #[serde(default = "here")]
    pub working_dir: String,
    /// The line of standard output that says it is ready; a group `origin` gives its address.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub ready: Spanned<String>,
    /// Seconds to wait for that line (a first start may have to install).
    #[serde(default = "two_minutes")]
    pub timeout_s: u64,
}

fn here() -> String {
    ".".to_owned()
}

fn two_minutes() -> u64 {
    120
}

/// What goes with every request.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RequestFile {
    /// Headers; one whose template has an unset optional variable (`{name?}`) is left out.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, String>"))]
    pub headers: BTreeMap<String, Spanned<String>>,
}

/// Where the credentials live.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CredentialsFile {
    /// The pending challenge's handle.
    pub handle: Option<PlaceFile>,
    /// The session's access credential.
    pub access: Option<PlaceFile>,
    /// The session's refresh credential.
    pub refresh: Option<PlaceFile>,
    /// The device's trust credential.
    pub trust: Option<PlaceFile>,
}

/// One place: a cookie or a variable.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum PlaceFile {
    /// The cookie of this name.
    Cookie(String),
    /// The variable of this name.
    Variable(String),
}

/// How to read messages, wherever the thing stands: in the text, the HTML (link targets included) or the subject. Group 1
/// of a pattern is what is meant, or all of it where there is no group.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MailFile {
    /// Patterns that find the sign-in code.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub code: Vec<Spanned<String>>,
    /// Patterns that find the reset token.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub reset: Vec<Spanned<String>>,
    /// The data field of a push that holds the code alone.
    pub code_field: Option<String>,
}

/// What a device keeps after signing out: everything else is dropped then.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeepFile {
    /// Names of cookies, by pattern.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub cookies: Vec<Spanned<String>>,
    /// Names of variables.
    #[serde(default)]
    pub variables: Vec<String>,
}
