//! What the server is to be, as it is handed to a process.

use conformance::known_bad::{self, KnownBad};
use reference_server::Settings;
use reference_server::courier::{EmailTarget, PushTarget};
use serde::{Deserialize, Serialize};

use super::ServerFault;

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// Next to nothing, so that everything else is what is measured.
    #[default]
    Light,
    /// As in production: 19 MiB and two passes a sign-in.
    Owasp,
}

/// What the server is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How it hashes passwords.
    pub hash: Hash,
    /// Which known-bad server it is; without it, the right one.
    pub known_bad: Option<String>,
    /// Where it sends pushes: the base URL of an FCM v1 API. Without it nobody hears of them.
    pub push: Option<String>,
    /// Where it sends email: `smtp://…`, or `http://…` for the SendGrid v3 API. Without it nobody hears of it.
    pub email: Option<String>,
    /// Declared parameters that differ from the defaults, in TOML, such as `source_wrong_limit = 1000`.
    pub settings: String,
    /// Its threads.
    pub threads: usize,
    /// Connections it holds at once.
    pub connections: usize,
    /// The port of its API; 0 is any that is free. One that comes back after an outage is found where it was.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hash: Hash::default(),
            known_bad: None,
            push: None,
            email: None,
            settings: String::new(),
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            connections: 65_536,
            port: 0,
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Origin of its API, such as `http://127.0.0.1:8080`.
    pub api: String,
    /// Origin of its control interface.
    pub control: String,
    /// The process it is.
    pub pid: u32,
}

/// The options, understood.
pub(super) struct Meant {
    pub(super) known_bad: Option<&'static KnownBad>,
    pub(super) push: Option<PushTarget>,
    pub(super) email: Option<EmailTarget>,
    pub(super) settings: Settings,
}

impl Options {
    pub(super) fn meant(&self) -> Result<Meant, ServerFault> {
        let find = |slug: &String| known_bad::find(slug).ok_or_else(|| ServerFault::NoSuchKnownBad(slug.clone()));
        let settings: Settings = toml::from_str(&self.settings).map_err(|error| ServerFault::Settings(error.to_string()))?;
        Ok(Meant {
            known_bad: self.known_bad.as_ref().map(find).transpose()?,
            push: self.push.as_deref().map(str::parse).transpose()?,
            email: self.email.as_deref().map(str::parse).transpose()?,
            settings,
        })
    }
}
