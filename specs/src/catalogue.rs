//! The numbered requirements, compiled in from `requirements.toml`.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// How strongly a requirement binds (RFC 2119, RFC 8174).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Breaking it is a failure.
    Must,
    /// Breaking it is a warning.
    Should,
    /// An option; when offered it has to be right.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::May => "MAY",
        })
    }
}

/// What the decisive half of a requirement's test needs beyond HTTP and the capture of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Testable {
    /// HTTP alone.
    BlackBox,
    /// The assertion is about messages or provider faults.
    NeedsDelivery,
    /// A controllable clock, or real waiting.
    NeedsClock,
    /// Several instances, restarts or store faults.
    NeedsMultiInstance,
    /// Grey-box access or a questionnaire.
    Review,
}

/// The part of the service a requirement speaks about, such as `sign-in` or `resend`.
pub type Area = String;

/// One requirement of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable identifier such as `RSND-02`.
    pub id: String,
    /// The area it belongs to.
    pub area: Area,
    /// How strongly it binds in the `faq` profile.
    pub level: Level,
    /// The normative sentence.
    pub text: String,
    /// Where the rule comes from: FAQ question, RFC, NIST or OWASP section, CWE, public case.
    pub sources: Vec<String>,
    /// What its test needs.
    pub testable: Testable,
    /// Known ways to get it wrong, each `slug: description`.
    pub mutants: Vec<String>,
}

impl Requirement {
    /// The slugs of the known ways to get this requirement wrong.
    pub fn mutant_slugs(&self) -> impl Iterator<Item = &str> {
        self.mutants
            .iter()
            .filter_map(|mutant| mutant.split_once(": ").map(|(slug, _)| slug))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    requirement: Vec<Requirement>,
}

static CATALOGUE: LazyLock<Vec<Requirement>> = LazyLock::new(|| {
    let file: File =
        toml::from_str(include_str!("../requirements.toml")).expect("requirements.toml is compiled in and its tests parse it");
    file.requirement
});

/// All requirements, in the order of the specification.
pub fn catalogue() -> &'static [Requirement] {
    &CATALOGUE
}

/// The requirement with this id.
pub fn requirement(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.iter().find(|requirement| requirement.id == id)
}
