//! What was typed and what the file says, made into what is meant. Nothing is touched here but the file.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use miette::{LabeledSpan, NamedSource, Report, miette};
use reference_server::adapters::mailer::{EmailTarget, PushTarget};
use reference_server::settings::Network;
use reference_server::{ConnectionLimits, Settings};
use serde::{Deserialize, Deserializer};

use crate::terminal;

/// What is typed, and what the configuration file says under the same names. What is typed wins.
#[derive(Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServeArgs {
    /// Where the API listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the admin API listens (clock, accounts, delivery targets, metrics); off unless given
    #[arg(long, value_name = "ADDR", alias = "control")]
    #[serde(alias = "control")]
    pub(super) admin: Option<SocketAddr>,
    /// Where accounts are kept [default: memory]
    #[arg(long, value_name = "STORE")]
    store: Option<Store>,
    /// Where email goes: smtp://HOST:PORT, or http://… for the SendGrid v3 API; without it, a development mailbox prints it
    #[arg(long, value_name = "URL")]
    pub(super) email: Option<EmailTarget>,
    /// Where pushes go: http://… for the FCM v1 API; without it, the development mailbox prints them
    #[arg(long, value_name = "URL")]
    pub(super) push: Option<PushTarget>,
    /// A TOML file with the same names, and the declared parameters in its table `settings`
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// A MaxMind database to derive places from
    #[arg(long, value_name = "FILE")]
    pub(super) mmdb: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For is believed; may be repeated
    #[arg(long, value_name = "CIDR")]
    #[serde(skip)]
    trusted_proxy: Vec<Network>,
    /// Connections that one address (or IPv6 /64) may hold at once; trusted proxies are not bound [default: 1024]
    ///
    /// A load test from one address needs as many as it has devices, of 4096 in all.
    #[arg(long, value_name = "N")]
    connections_per_source: Option<NonZeroUsize>,
    /// Serve a mutant instead: a server that breaks one requirement
    #[arg(long, value_name = "SLUG", alias = "known-bad")]
    #[serde(alias = "known_bad")]
    pub(super) mutant: Option<String>,
    /// How the log on standard error is written; STEPPROOF_LOG filters it
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
    /// The declared parameters.
    #[arg(skip)]
    settings: Settings,
}

/// What the server is to be.
pub(super) struct ResolvedConfig {
    pub(super) listen: SocketAddr,
    pub(super) log: LogFormat,
    pub(super) connections: ConnectionLimits,
    pub(super) settings: Settings,
    pub(super) options: ServeArgs,
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

impl ServeArgs {
    /// What was typed before what the file says.
    fn over(self, file: Self) -> Self {
        let mut settings = file.settings;
        settings.trusted_proxies.extend(self.trusted_proxy);
        Self {
            listen: self.listen.or(file.listen),
            admin: self.admin.or(file.admin),
            store: self.store.or(file.store),
            email: self.email.or(file.email),
            push: self.push.or(file.push),
            config: None,
            mmdb: self.mmdb.or(file.mmdb),
            trusted_proxy: Vec::new(),
            connections_per_source: self.connections_per_source.or(file.connections_per_source),
            mutant: self.mutant.or(file.mutant),
            log: self.log.or(file.log),
            settings,
        }
    }
}

/// What is meant by what was typed and the file it names.
pub(super) fn resolve(args: ServeArgs) -> Result<ResolvedConfig, Report> {
    let file = args.config.as_ref().map(read).transpose()?.unwrap_or_default();
    let mut options = args.over(file);
    let mut connections = ConnectionLimits::default();
    connections.per_source = options
        .connections_per_source
        .map_or(connections.per_source, NonZeroUsize::get);
    let listen = options.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let email = options.email.as_ref().map_or(Ok(()), EmailTarget::check);
    let push = options.push.as_ref().map_or(Ok(()), PushTarget::check);
    email.and(push).map_err(|fault| miette!("{fault}"))?;
    if options.admin.is_some_and(|admin| admin == listen && admin.port() != 0) {
        return Err(miette!(
            help = "the admin API moves clocks and creates accounts: it never shares a port with the API",
            "the API and the admin API cannot both listen on {listen}"
        ));
    }
    Ok(ResolvedConfig {
        listen,
        log: options.log.unwrap_or_default(),
        connections,
        settings: std::mem::take(&mut options.settings),
        options,
    })
}

fn read(path: &PathBuf) -> Result<ServeArgs, Report> {
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
        assert_eq!(
            (resolved.listen.port(), resolved.options.admin.map(|at| at.port())),
            (1, Some(3))
        );
        assert_eq!(resolved.connections.per_source, 7);
        assert_eq!(resolved.settings.code_ttl_s, 60);
        assert_eq!(resolved.settings.code_length, 6);
        assert_eq!(resolved.settings.trusted_proxies.len(), 2);
        assert_eq!(resolved.options.email.unwrap().from, "no-reply@stepproof.test");
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
