//! The numbered requirements, compiled in from `requirements.toml`.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;

/// How strongly a requirement binds (RFC 2119, RFC 8174).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Must,
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

/// The part of the service a requirement speaks about, such as `sign-in` or `resend`.
pub type Area = String;

/// The areas, in the order of the specification, each with the prefix of its ids.
pub const AREAS: [(&str, &str); 24] = [
    ("sign-in", "SIGN"),
    ("code", "CODE"),
    ("lifetime", "LIFE"),
    ("binding", "BIND"),
    ("attempts", "ATT"),
    ("resend", "RSND"),
    ("method", "METH"),
    ("delivery", "DLVR"),
    ("trusted-device", "DEV"),
    ("session", "SESS"),
    ("toggle", "TOGL"),
    ("version-gate", "VER"),
    ("enumeration", "ENUM"),
    ("login-activity", "ACT"),
    ("notice", "NOTE"),
    ("password", "PWD"),
    ("race", "RACE"),
    ("time", "TIME"),
    ("multi-instance", "MULTI"),
    ("input", "INPUT"),
    ("http", "HTTP"),
    ("privacy", "PRIV"),
    ("idempotency", "IDEM"),
    ("availability", "AVAIL"),
];

/// Requirements of level SHOULD that the `asvs` profile makes MUST: those whose sources cite a row of OWASP ASVS 5.0 level 1
/// or 2. Rows of level 3 (6.3.5, 6.3.8, 11.2.4, 14.2.6) raise nothing.
const MUST_IN_ASVS: [&str; 5] = [
    "CODE-05",  // 11.4.2
    "DLVR-05",  // 14.2.3
    "SESS-06",  // 7.3.1, 7.3.2
    "PWD-07",   // 6.4.3
    "AVAIL-04", // 15.2.2
];

/// Requirements that the `nist` profile makes MUST.
const MUST_IN_NIST: [&str; 1] = [
    "DEV-14", // section 5.1: trust only with a key that the device holds
];

/// One requirement of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable identifier such as `RSND-02`.
    pub id: String,
    pub area: Area,
    /// How strongly it binds in the `faq` profile.
    pub level: Level,
    pub text: String,
    /// Where the rule comes from: FAQ question, RFC, NIST or OWASP section, CWE, public case.
    pub sources: Vec<String>,
    /// Known ways to get it wrong, each `slug: description`.
    pub mutants: Vec<String>,
}

impl Requirement {
    /// How strongly it binds in a profile. Beside the level a profile also changes bounds of parameters, see
    /// [`Parameters::out_of_bounds`](crate::Parameters::out_of_bounds).
    ///
    /// - `faq`: the level of the catalogue.
    /// - `asvs`: CODE-05, DLVR-05, SESS-06, PWD-07 and AVAIL-04 are MUST, because they rest on level 2 rows of OWASP ASVS 5.0.
    /// - `nist`: DEV-14 is MUST, because a bearer trust credential may not stand in for the second step.
    pub fn level_in(&self, profile: Profile) -> Level {
        let raised: &[&str] = match profile {
            Profile::Faq => &[],
            Profile::Asvs => &MUST_IN_ASVS,
            Profile::Nist => &MUST_IN_NIST,
        };
        if raised.contains(&self.id.as_str()) {
            Level::Must
        } else {
            self.level
        }
    }

    /// What breaking it means for a person, in one sentence. Each requirement of the catalogue has one.
    pub fn impact(&self) -> Option<&'static str> {
        crate::impact::impact(&self.id)
    }

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
