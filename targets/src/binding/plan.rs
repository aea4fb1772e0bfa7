//! A binding as it is meant: every template, pattern, pointer and name of the file read and found good.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use specs::{Capability, Parameters};

use super::format::FactsFile;
use super::format_step::MailWhat;
use super::matcher::Matcher;
use super::template::{Source, Template};
use crate::clock::ClockMode;
use crate::delivery_log::Patterns;
use crate::device::CredentialKind;
use crate::operation::OperationKind;

/// How to talk to one implementation.
#[derive(Clone, Debug)]
pub struct Binding {
    pub name: String,
    pub summary: String,
    pub path: PathBuf,
    pub parameters: Parameters,
    /// Declared facts that the parameters do not tell.
    pub facts: FactsFile,
    pub capabilities: BTreeSet<Capability>,
    pub clock: ClockMode,
    pub launch: Option<Launch>,
    pub(super) base: String,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) credentials: BTreeMap<CredentialKind, Place>,
    pub(super) patterns: Patterns,
    pub(super) take: Vec<Capture>,
    pub(super) keep: Option<Keep>,
    pub(super) routines: BTreeMap<String, Vec<Step>>,
    pub(super) actors: BTreeMap<String, Vec<Step>>,
    pub(super) operations: BTreeMap<OperationKind, Vec<Step>>,
}

impl Binding {
    /// Whether the operation is spoken at all.
    pub fn offers(&self, operation: OperationKind) -> bool {
        self.operations.contains_key(&operation)
    }

    /// How its messages are read: what its delivery log is opened with.
    pub fn patterns(&self) -> Patterns {
        self.patterns.clone()
    }

    /// The header that claims the app's version.
    pub(super) fn version_header(&self) -> Option<&str> {
        let version = Source::Variable("app_version".to_owned());
        let claims = |template: &Template| template.sources().any(|source| *source == version);
        self.headers
            .iter()
            .find(|(_, template)| claims(template))
            .map(|(name, _)| name.as_str())
    }

    /// How long a message may take.
    pub fn mail_patience(&self) -> Duration {
        Duration::from_secs(self.facts.mail_slow_s)
    }
}

/// How to start the implementation.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(super) command: String,
    pub(super) args: Vec<Template>,
    pub(super) env: Vec<(String, Template)>,
    pub(super) working_dir: PathBuf,
    pub(super) ready: Regex,
    pub(super) timeout: Duration,
}

/// Where a credential lives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Cookie(String),
    Variable(String),
}

/// What a device keeps after signing out.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    pub(super) cookies: Vec<Regex>,
    pub(super) variables: Vec<String>,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) act: Act,
    pub(super) actor: Option<String>,
    pub(super) unless: Option<String>,
    pub(super) when: Vec<(String, serde_json::Value)>,
    pub(super) deciding: bool,
    pub(super) readings: Vec<Matcher>,
    pub(super) take: Vec<Capture>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) challenge: Option<Vec<(String, String)>>,
    pub(super) devices: Option<Rows>,
    pub(super) challenges: Option<Rows>,
    pub(super) forget: Vec<String>,
    pub(super) share: Vec<String>,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Request(Request),
    Call(Callee),
    Mail { to: Template, into: String, what: MailWhat },
}

/// What a step calls.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Callee {
    Operation(OperationKind),
    Routine(String),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: Template,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: BodyPlan,
}

/// A body before it is filled.
#[derive(Clone, Debug)]
pub(super) enum BodyPlan {
    Empty,
    Json(JsonPlan),
    Form(Vec<(String, Template)>),
}

/// A JSON value before it is filled.
#[derive(Clone, Debug)]
pub(super) enum JsonPlan {
    Fixed(serde_json::Value),
    Text(Template),
    List(Vec<JsonPlan>),
    Object(Vec<(String, JsonPlan)>),
}

/// A value taken into a variable.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) from: CaptureFrom,
    pub(super) required: bool,
}

/// Where it is taken from.
#[derive(Clone, Debug)]
pub(super) enum CaptureFrom {
    Pointer(String),
    Cookie(String),
    Header(String),
    Html(Regex),
}

/// Rows of a list.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) rows: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) current_equals: Option<String>,
}

impl Binding {
    /// The steps of what is called.
    pub(super) fn steps(&self, callee: &Callee) -> &[Step] {
        match callee {
            Callee::Operation(kind) => self.operations.get(kind),
            Callee::Routine(name) => self.routines.get(name),
        }
        .map_or(&[], Vec::as_slice)
    }
}
