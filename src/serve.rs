//! `stepproof serve`: the reference server, or a known-bad one, on an address.
//!
//! Exit codes: 0 stopped by a signal, with every request under way answered or its time over; 2 the call or the configuration is
//! wrong; 3 an address cannot be had, or a second signal ended it at once.

mod config;
mod mailbox;
mod walkthrough;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use conformance::known_bad::{self, KnownBad};
use conformance::verdict::Exit;
use reference_server::adapters::admin::{self, Control};
use reference_server::adapters::mailer::{EmailTarget, Mailbox, PushTarget, ProviderMailer, Templates};
use reference_server::adapters::locator::Mmdb;
use reference_server::parts::ManualClock;
use reference_server::settings::Network;
use reference_server::{Parts, Service, serve};
use tokio::net::TcpListener;

use crate::exit;
use crate::signals::{Stop, stopped};
use crate::terminal;
use config::{LogFormat, Meant, Store};

/// What was typed. What is typed wins over the configuration file.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where the API listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the control interface listens (clock, accounts, delivery targets, metrics); off unless given
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// Where accounts are kept [default: memory]
    #[arg(long, value_name = "STORE")]
    store: Option<Store>,
    /// Where email goes: smtp://HOST:PORT, or http://… for the SendGrid v3 API; without it, a development mailbox prints it
    #[arg(long, value_name = "URL")]
    email: Option<EmailTarget>,
    /// Where pushes go: http://… for the FCM v1 API; without it, the development mailbox prints them
    #[arg(long, value_name = "URL")]
    push: Option<PushTarget>,
    /// A TOML file with the same names, and the declared parameters in its table `settings`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A MaxMind database to derive places from
    #[arg(long, value_name = "FILE")]
    mmdb: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For is believed; may be repeated
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Network>,
    /// Connections that one address (or IPv6 /64) may hold at once; trusted proxies are not bound [default: 1024]
    ///
    /// A load test from one address needs as many as it has devices, of 4096 in all.
    #[arg(long, value_name = "N")]
    connections_per_source: Option<NonZeroUsize>,
    /// Serve a server that breaks one requirement instead
    #[arg(long, value_name = "SLUG")]
    known_bad: Option<String>,
    /// How the log on standard error is written; STEPPROOF_LOG filters it
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

/// Serves until a signal.
pub(crate) async fn run(args: ServeArgs, mut stop: Stop) -> anyhow::Result<ExitCode> {
    let meant = match config::meant(args) {
        Ok(meant) => meant,
        Err(report) => return Ok(exit::refuse(Exit::Usage, format!("{report:?}"), None)),
    };
    let known_bad = match meant.known_bad.as_deref().map(|slug| (slug, known_bad::find(slug))) {
        Some((slug, None)) => {
            return Ok(exit::refuse(
                Exit::Usage,
                format!("there is no known-bad server `{slug}`"),
                Some(&similar(slug)),
            ));
        }
        Some((_, found)) => found,
        None => None,
    };
    let locator = match meant.mmdb.as_deref().map(Mmdb::open).transpose() {
        Ok(locator) => locator,
        Err(error) => {
            return Ok(exit::refuse(
                Exit::Usage,
                error,
                Some("a MaxMind database is a file that ends in .mmdb"),
            ));
        }
    };
    let (listener, controls) = match bind(&meant).await {
        Ok(bound) => bound,
        Err((address, error)) => return Ok(unreachable(address, &error)),
    };
    config::start_log(meant.log);

    let (mailer, mailbox) = mailer(&meant)?;
    let clock = Arc::new(ManualClock::default());
    let mut parts = Parts::standard(Arc::new(mailer.clone()));
    if controls.is_some() {
        parts.clock = clock.clone();
    }
    if let Some(locator) = locator {
        parts.locator = Arc::new(locator);
    }
    if let Some(known_bad) = known_bad {
        parts = (known_bad.build)(parts);
    }
    let service = Service::new(parts, meant.settings.clone());

    let address = listener.local_addr()?;
    let control_address = controls.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Err(error) = greet(address, control_address, mailbox.is_some(), known_bad, meant.log) {
        // The server is of use to those who know its address.
        warn(meant.log, &error.to_string());
    }
    let mut also = stop.clone();
    let api = serve(
        listener,
        service.clone(),
        meant.connections,
        told_to_stop(&mut also, meant.log),
    );
    match controls {
        None => api.await,
        Some(listener) => {
            let control = Control {
                service,
                clock,
                mailer,
                mailbox,
            };
            tokio::join!(api, control::serve(listener, control, stopped(&mut stop)));
        }
    }
    Ok(exit::code(Exit::Conforms))
}

fn unreachable(address: SocketAddr, error: &io::Error) -> ExitCode {
    let (what, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "it is in use",
            "stop what listens there, or name another address; port 0 takes a free one",
        ),
        io::ErrorKind::AddrNotAvailable => ("this machine has no such address", "127.0.0.1 is always there"),
        io::ErrorKind::PermissionDenied => ("not permitted", "ports from 1024 on need no privileges"),
        _ => ("", "name another address"),
    };
    let what = if what.is_empty() { error.to_string() } else { what.to_owned() };
    exit::refuse(Exit::Unreachable, format!("cannot listen on {address}: {what}"), Some(hint))
}

async fn bind(meant: &Meant) -> Result<(TcpListener, Option<TcpListener>), (SocketAddr, io::Error)> {
    let listen = async |address: SocketAddr| TcpListener::bind(address).await.map_err(|error| (address, error));
    let api = listen(meant.listen).await?;
    match meant.control {
        None => Ok((api, None)),
        Some(address) => Ok((api, Some(listen(address).await?))),
    }
}

/// The mailer over the targets that were given; the development mailbox takes the place of those that were not. It comes back
/// when email goes there.
fn mailer(meant: &Meant) -> anyhow::Result<(ProviderMailer, Option<Mailbox>)> {
    // The answer has to be under way when the declared time is over, so the provider gets a little less.
    let within = Duration::from_secs(meant.settings.delivery_answer_s).mul_f64(0.8);
    let mailer = ProviderMailer::new(Templates::new(&meant.settings.service_name), within);
    mailer.set_targets(meant.email.as_ref(), meant.push.as_ref())?;
    let mailbox = Mailbox::watched(match meant.log {
        LogFormat::Json => mailbox::log,
        LogFormat::Text | LogFormat::Off => mailbox::print,
    });
    if meant.push.is_none() {
        mailer.keep_push(mailbox.clone());
    }
    if meant.email.is_some() {
        return Ok((mailer, None));
    }
    mailer.keep_email(mailbox.clone());
    Ok((mailer, Some(mailbox)))
}

fn greet(
    address: SocketAddr,
    control: Option<SocketAddr>,
    mailbox: bool,
    known_bad: Option<&KnownBad>,
    log: LogFormat,
) -> io::Result<()> {
    let mut out = terminal::out();
    if let Some(bad) = known_bad {
        writeln!(out, "Known-bad server {}: {} ({})", bad.slug, bad.summary, bad.requirement)?;
    }
    walkthrough::print(&mut out, address, control, mailbox)?;
    out.flush()?;
    for exposed in [Some(address), control]
        .into_iter()
        .flatten()
        .filter(|address| !address.ip().is_loopback())
    {
        warn(
            log,
            &format!("{exposed} can be reached from other machines; this server is for tests and speaks no TLS"),
        );
    }
    Ok(())
}

/// Where the log is read by a program, whatever is said beside it is an event of the log too.
fn warn(log: LogFormat, what: &str) {
    match log {
        LogFormat::Json => tracing::warn!("{what}"),
        LogFormat::Text | LogFormat::Off => exit::warn(what),
    }
}

/// Ends when the server is to stop, and says so first.
async fn told_to_stop(stop: &mut Stop, log: LogFormat) {
    stopped(stop).await;
    let what = "stopping: requests under way are finished";
    match log {
        LogFormat::Json => tracing::info!("{what}"),
        LogFormat::Text | LogFormat::Off => drop(writeln!(terminal::err(), "{what}")),
    }
}

fn similar(slug: &str) -> String {
    let shared = |other: &str| {
        let theirs: Vec<&str> = other.split('-').collect();
        slug.split('-').filter(|word| theirs.contains(word)).count()
    };
    let near = known_bad::all().map(|bad| bad.slug).max_by_key(|other| shared(other));
    match near.filter(|near| shared(near) > 0) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`stepproof selftest --list` lists them".to_owned(),
    }
}
