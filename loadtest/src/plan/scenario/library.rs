//! The storms that come with the program: one documented file each, in `loadtest/storms`.

use std::path::Path;

use super::load;
use super::{Scenario, ScenarioError};

/// A storm of the library, as the file it is.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    pub name: &'static str,
    /// Its file, to be read by people and to begin one's own from.
    pub text: &'static str,
}

macro_rules! storms {
    ($($name:literal),* $(,)?) => {
        &[$(Stored { name: $name, text: include_str!(concat!("../../../storms/", $name, ".toml")) }),*]
    };
}

/// All of them.
pub const STORMS: &[Stored] = storms![
    "morning-peak",
    "isp-outage",
    "app-update",
    "push-outage",
    "email-lag",
    "credential-stuffing",
    "code-brute-force",
    "resend-hammer",
    "mass-removal",
    "soak",
];

impl Stored {
    /// The storm itself.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        load::parse(Path::new(&format!("{}.toml", self.name)), self.text)
    }
}

/// The storm of this name.
pub fn named(name: &str) -> Option<&'static Stored> {
    STORMS.iter().find(|stored| stored.name == name)
}

/// The storm of this name, or else of this file.
pub fn open(name_or_file: &str) -> Result<Scenario, ScenarioError> {
    if let Some(stored) = named(name_or_file) {
        return stored.scenario();
    }
    if Path::new(name_or_file).exists() {
        return load::load(name_or_file);
    }
    let names: Vec<&str> = STORMS.iter().map(|stored| stored.name).collect();
    Err(
        ScenarioError::new(format!("there is no storm `{name_or_file}`, and no such file"))
            .hint(format!("storms: {}; or the path of a scenario file", names.join(", "))),
    )
}
