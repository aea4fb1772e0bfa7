//! What the server is to be, as it is handed to a process.

use mutants::Mutant;
use reference_server::Config;
use reference_server::adapters::mailer::{EmailTarget, PushTarget};
use serde::{Deserialize, Serialize};
use specs::Parameters;

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
    /// Which mutant it is; without it, the right one.
    pub mutant: Option<String>,
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
            mutant: None,
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
    /// Origin of its admin API.
    pub control: String,
    /// The process it is.
    pub pid: u32,
}

/// The options, understood.
pub(super) struct Meant {
    pub(super) mutant: Option<&'static Mutant>,
    pub(super) push: Option<PushTarget>,
    pub(super) email: Option<EmailTarget>,
    pub(super) settings: Config,
}

impl Options {
    /// What such a server declares.
    pub fn parameters(&self) -> Result<Parameters, ServerFault> {
        Ok(declared(&self.read_settings()?))
    }

    fn read_settings(&self) -> Result<Config, ServerFault> {
        toml::from_str(&self.settings).map_err(|error| ServerFault::Settings(error.to_string()))
    }

    pub(super) fn meant(&self) -> Result<Meant, ServerFault> {
        let find = |slug: &String| mutants::find(slug).ok_or_else(|| ServerFault::NoSuchMutant(slug.clone()));
        Ok(Meant {
            mutant: self.mutant.as_ref().map(find).transpose()?,
            push: self.push.as_deref().map(str::parse).transpose()?,
            email: self.email.as_deref().map(str::parse).transpose()?,
            settings: self.read_settings()?,
        })
    }
}

/// Settings in the words of the specification.
fn declared(settings: &Config) -> Parameters {
    let by_default = Parameters::default();
    Parameters {
        code_length: settings.code_length,
        code_ttl_s: settings.code_ttl_s,
        challenge_max_s: settings.challenge_max_s,
        attempts_per_challenge: settings.attempts_per_challenge,
        account_wrong_limit: settings.account_wrong_limit,
        window_s: settings.window_s,
        account_consecutive_max: settings.account_consecutive_max,
        lock_s: settings.lock_s,
        resend_cooldown_s: settings.resend_cooldown_s,
        sends_per_challenge: settings.sends_per_challenge,
        sends_per_account_day: settings.sends_per_account_day,
        live_challenges: settings.live_challenges,
        source_wrong_limit: settings.source_wrong_limit,
        source_window_s: settings.source_window_s,
        revoke_bound_ms: by_default.revoke_bound_ms,
        trust_absolute_d: settings.trust_absolute_d,
        trust_idle_d: settings.trust_idle_d,
        session_absolute_s: settings.session_absolute_s,
        session_idle_s: settings.session_idle_s,
        reauth_max_s: settings.reauth_max_s,
        min_version: settings.min_version.to_string(),
        password_min: settings.password_min,
        delivery_answer_s: settings.delivery_answer_s,
        delivery_p95_s: by_default.delivery_p95_s,
        incomplete_notice_s: settings.incomplete_notice_s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_declares_what_it_was_set_to_and_else_the_defaults() {
        let set = |settings: &str| Options {
            settings: settings.to_owned(),
            ..Options::default()
        };
        assert_eq!(set("").parameters().unwrap(), Parameters::default());
        let cooled = set("resend_cooldown_s = 1").parameters().unwrap();
        assert_eq!(cooled.resend_cooldown_s, 1);
        assert_eq!(cooled.code_ttl_s, Parameters::default().code_ttl_s);
        let wrong = set("resend_cooldown = 1").parameters().unwrap_err();
        assert!(wrong.to_string().contains("resend_cooldown"), "{wrong}");
    }
}
