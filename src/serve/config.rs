//! What was typed and what the file says, made into what is meant. Nothing is touched here but the file.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use miette::{LabeledSpan, NamedSource, Report, miette};
use reference_server::courier::{EmailTarget, PushTarget};
use reference_server::{Config, ConnectionLimits};
use serde::{Deserialize, Deserializer};

use super::ServeArgs;
use crate::terminal;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    #[serde(alias = "control")]
    admin: Option<SocketAddr>,
    store: Option<Store>,
    email: Option<EmailTarget>,
    push: Option<PushTarget>,
    mmdb: Option<PathBuf>,
    connections_per_source: Option<NonZeroUsize>,
    #[serde(alias = "known_bad")]
    mutant: Option<String>,
    log: Option<LogFormat>,
    settings: Config,
}

/// What the server is to be.
pub(super) struct ResolvedConfig {
    pub(super) listen: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) email: Option<EmailTarget>,
    pub(super) push: Option<PushTarget>,
    pub(super) mmdb: Option<PathBuf>,
    pub(super) mutant: Option<String>,
    pub(super) log: LogFormat,
    pub(super) connections: ConnectionLimits,
    pub(super) settings: Config,
}

/// Where accounts are kept: this version has one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Memory,
}

impl FromStr for Store {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory" => Ok(Self::Memory),
            text if text.starts_with("redis") => Err("accounts in Redis are not offered in this version; `memory` is".to_owned()),
            _ => Err("the store is `memory`".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
    /// Not at all.
    Off,
}

/// What is meant by what was typed and the file it names.
pub(super) fn resolve(args: ServeArgs) -> Result<ResolvedConfig, Report> {
    let file = args.config.as_ref().map(read).transpose()?.unwrap_or_default();
    let mut settings = file.settings;
    settings.trusted_proxies.extend(args.trusted_proxy);
    // Memory is the only store, so there is nothing to choose; both were checked when they were read.
    let _ = args.store.or(file.store);
    let by_default = ConnectionLimits::default();
    let per_source = args.connections_per_source.or(file.connections_per_source);
    let resolved = ResolvedConfig {
        listen: args.listen.or(file.listen).unwrap_or(LISTEN),
        admin: args.admin.or(file.admin),
        email: args.email.or(file.email),
        push: args.push.or(file.push),
        mmdb: args.mmdb.or(file.mmdb),
        mutant: args.mutant.or(file.mutant),
        log: args.log.or(file.log).unwrap_or_default(),
        connections: ConnectionLimits {
            per_source: per_source.map_or(by_default.per_source, NonZeroUsize::get),
            ..by_default
        },
        settings,
    };
    let email = resolved.email.as_ref().map_or(Ok(()), EmailTarget::check);
    let push = resolved.push.as_ref().map_or(Ok(()), PushTarget::check);
    email.and(push).map_err(|fault| miette!("{fault}"))?;
    if resolved
        .admin
        .is_some_and(|admin| admin == resolved.listen && admin.port() != 0)
    {
        return Err(miette!(
            help = "the admin API moves clocks and creates accounts: it never shares a port with the API",
            "the API and the admin API cannot both listen on {}",
            resolved.listen
        ));
    }
    Ok(resolved)
}

fn read(path: &PathBuf) -> Result<File, Report> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| miette!("`{name}` cannot be read: {error}"))?;
    toml::from_str(&text).map_err(|error| {
        let label = error.span().map(|span| LabeledSpan::at(span, "here"));
        miette!(
            labels = label.into_iter().collect::<Vec<_>>(),
            help = "names are those of the flags; declared parameters stand under [settings], targets under [email] and [push]",
            "{}",
            error.message()
        )
        .with_source_code(NamedSource::new(name.to_string(), text.clone()))
    })
}

/// Starts the log on standard error. Nothing in it is secret.
pub(super) fn start_log(format: LogFormat) {
    let mut filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("STEPPROOF_LOG")
        .with_default_directive(tracing::Level::INFO.into())
        .from_env_lossy();
    // However little else is asked for, messages arrive.
    if let Ok(always) = format!("{}=info", super::mailbox::TARGET).parse() {
        filter = filter.add_directive(always);
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    // Refused only where a log has been started already.
    let _ = match format {
        LogFormat::Text => log.with_writer(terminal::err).try_init(),
        LogFormat::Json => log.json().with_writer(terminal::err_json).try_init(),
        LogFormat::Off => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<ResolvedConfig, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let args = ServeArgs {
            config: Some(file.path().to_owned()),
            listen: Some("127.0.0.1:1".parse().unwrap()),
            trusted_proxy: vec!["10.0.0.0/8".parse().unwrap()],
            ..ServeArgs::default()
        };
        resolve(args).map_err(|report| format!("{report:?}"))
    }

    #[test]
    fn what_is_typed_wins_and_the_rest_comes_from_the_file() {
        let text = "listen = '127.0.0.1:2'\nadmin = '127.0.0.1:3'\nstore = 'memory'\nconnections_per_source = 7\n\
            [email]\nkind = 'sendgrid'\nurl = 'http://127.0.0.1:4'\n[settings]\ncode_ttl_s = 60\ntrusted_proxies = ['192.0.2.0/24']\n";
        let resolved = config(text).unwrap();
        assert_eq!((resolved.listen.port(), resolved.admin.map(|at| at.port())), (1, Some(3)));
        assert_eq!(resolved.connections.per_source, 7);
        assert_eq!(resolved.settings.code_ttl_s, 60);
        assert_eq!(resolved.settings.code_length, 6);
        assert_eq!(resolved.settings.trusted_proxies.len(), 2);
        assert_eq!(resolved.email.unwrap().from, "no-reply@stepproof.test");
    }

    #[test]
    fn a_wrong_file_is_shown_where_it_is_wrong() {
        for (text, said) in [
            ("listen = 'here'", "socket address"),
            ("lisen = '127.0.0.1:2'", "lisen"),
            ("connections_per_source = 0", "nonzero"),
            ("[settings]\ncode_tll_s = 60", "code_tll_s"),
            ("store = 'redis://localhost'", "not offered in this version"),
            ("[email]\nkind = 'smtp'\nurl = 'http://127.0.0.1:4'", "smtp://"),
            ("[push]\nurl = 'https://fcm.test'", "http://"),
            ("admin = '127.0.0.1:1'", "cannot both listen"),
            ("control = '127.0.0.1:1'", "cannot both listen"),
            ("listen = ", "expected"),
        ] {
            let report = config(text).err().unwrap_or_default();
            assert!(report.contains(said), "{text}: {report}");
        }
    }
}
