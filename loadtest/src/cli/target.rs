//! What shall be under load, from the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::drive::run::{Bound, Choice, Listen, Native};
use crate::drive::server::{Hash, Options};
use clap::Args;

use super::Failure;

/// What shall be under load; without any of it, a reference server of the storm's own.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArgs {
    /// A service that runs already: its origin
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// The admin API of a reference server: accounts are prepared there, and it is told where to deliver
    #[arg(long, alias = "control", value_name = "URL", requires = "target")]
    admin: Option<String>,
    /// An implementation of one's own, by its binding; started as the binding says, unless --target is where it runs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["admin", "hash", "mutant", "settings"])]
    binding: Option<PathBuf>,
    /// Accounts that exist there: CSV of email,password and, where there are any, push_token,trust_token
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Where the service tells processor time in Prometheus's format
    #[arg(long, value_name = "URL", requires = "target")]
    server_metrics: Option<String>,
    /// Where the sink takes pushes (FCM) and email (SendGrid) over HTTP
    #[arg(long, value_name = "ADDR")]
    sink_http: Option<SocketAddr>,
    /// Where the sink takes email by SMTP
    #[arg(long, value_name = "ADDR")]
    sink_smtp: Option<SocketAddr>,
    /// How the storm's own server hashes passwords
    #[arg(long, value_enum, default_value_t)]
    hash: Hash,
    /// The storm's own server is this mutant (stepproof selftest lists them)
    #[arg(long, alias = "known-bad", value_name = "SLUG", conflicts_with = "target")]
    mutant: Option<String>,
    /// Settings of the storm's own server, in TOML
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    settings: Option<PathBuf>,
    /// Allow traffic to other machines; --max-rate is then needed
    #[arg(long, requires = "max_rate")]
    allow_remote: bool,
    /// No more arrivals a second than this, all classes together
    #[arg(long, value_name = "R", value_parser = super::storm::positive)]
    max_rate: Option<f64>,
}

impl TargetArgs {
    /// What was meant.
    pub(crate) fn choice(&self) -> Result<Choice, Failure> {
        for url in [&self.target, &self.admin].into_iter().flatten() {
            if !self.allow_remote && !targets::is_loopback(url) {
                return Err(Failure::usage(format!(
                    "{url} is not on this machine\nhint: add --allow-remote and --max-rate if it is yours to load: accounts are locked \
                     there and messages are sent"
                )));
            }
        }
        if let Some(slug) = &self.mutant
            && mutants::find(slug).is_none()
        {
            return Err(Failure::usage(format!(
                "there is no mutant `{slug}`\nhint: `stepproof selftest --list` names them"
            )));
        }
        let listen = Listen {
            http: self.sink_http,
            smtp: self.sink_smtp,
        };
        Ok(match (&self.binding, &self.target) {
            (Some(file), origin) => {
                // Read once here, so that what is wrong with it is told before anything starts.
                targets::binding::load(file).map_err(|report| Failure::usage(format!("{report:?}")))?;
                Choice::Bound(Bound {
                    file: file.clone(),
                    origin: origin.clone(),
                    accounts: self.accounts.clone(),
                    listen,
                })
            }
            (None, Some(origin)) => Choice::Native(Native {
                origin: origin.clone(),
                admin: self.admin.clone(),
                accounts: self.accounts.clone(),
                metrics: self.server_metrics.clone(),
                listen,
            }),
            (None, None) => Choice::Own(Options {
                hash: self.hash,
                mutant: self.mutant.clone(),
                settings: self.settings.as_ref().map(read).transpose()?.unwrap_or_default(),
                ..Options::default()
            }),
        })
    }

    /// The same at another origin.
    #[cfg(feature = "locust")]
    pub(crate) fn at(&self, target: String) -> Self {
        Self {
            target: Some(target),
            ..self.clone()
        }
    }

    /// The highest rate that is allowed.
    pub(crate) fn max_rate(&self) -> Option<f64> {
        self.max_rate
    }
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
