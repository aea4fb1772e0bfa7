//! `stepproof serve`: the reference server, or a mutant of it, on an address.
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
use std::sync::Arc;
use std::time::Duration;

use conformance::known_bad::KnownBad;
use conformance::verdict::Exit;
use reference_server::config::Network;
use reference_server::control::{self, Control};
use reference_server::courier::{EmailTarget, Mailbox, PushTarget, Router, Wording};
use reference_server::locator::Mmdb;
use reference_server::ports::ManualClock;
use reference_server::{Deps, Service, serve};
use tokio::net::TcpListener;

use crate::exit::{self, CliError, Ended};
use crate::selftest::mutant;
use crate::signals::{Stop, stopped};
use crate::terminal;
use config::{LogFormat, ResolvedConfig, Store};

/// What was typed. What is typed wins over the configuration file.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where the API listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the admin API listens (clock, accounts, delivery targets, metrics); off unless given
    #[arg(long, value_name = "ADDR", alias = "control")]
    admin: Option<SocketAddr>,
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
    /// Serve a mutant instead: a server that breaks one requirement
    #[arg(long, value_name = "SLUG", alias = "known-bad")]
    mutant: Option<String>,
    /// How the log on standard error is written; STEPPROOF_LOG filters it
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

/// Serves until a signal.
pub(crate) async fn run(args: ServeArgs, mut stop: Stop) -> Ended {
    let config = config::resolve(args).map_err(|report| CliError::usage(format!("{report:?}")))?;
    let mutant = config.mutant.as_deref().map(|slug| mutant(slug, Exit::Usage)).transpose()?;
    let locator = config.mmdb.as_deref().map(Mmdb::open).transpose();
    let locator = locator.map_err(|error| CliError::usage(error).hint("a MaxMind database is a file that ends in .mmdb"))?;
    let (listener, admin) = bind(&config).await.map_err(|(address, error)| unreachable(address, &error))?;
    config::start_log(config.log);

    let (router, mailbox) = courier(&config)?;
    let clock = Arc::new(ManualClock::default());
    let mut deps = Deps::standard(Arc::new(router.clone()));
    if admin.is_some() {
        deps.clock = clock.clone();
    }
    if let Some(locator) = locator {
        deps.locator = Arc::new(locator);
    }
    if let Some(mutant) = mutant {
        deps = (mutant.build)(deps);
    }
    let service = Service::new(deps, config.settings.clone());

    let address = listener.local_addr()?;
    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Err(error) = print_banner(address, admin_address, mailbox.is_some(), mutant, config.log) {
        // The server is of use to those who know its address.
        warn(config.log, &error.to_string());
    }
    let mut also = stop.clone();
    let api = serve(
        listener,
        service.clone(),
        config.connections,
        told_to_stop(&mut also, config.log),
    );
    match admin {
        None => api.await,
        Some(listener) => {
            let control = Control {
                service,
                clock,
                router,
                mailbox,
            };
            tokio::join!(api, control::serve(listener, control, stopped(&mut stop)));
        }
    }
    Ok(Exit::Conforms)
}

fn unreachable(address: SocketAddr, error: &io::Error) -> CliError {
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
    CliError::unreachable(format!("cannot listen on {address}: {what}")).hint(hint)
}

async fn bind(config: &ResolvedConfig) -> Result<(TcpListener, Option<TcpListener>), (SocketAddr, io::Error)> {
    let listen = async |address: SocketAddr| TcpListener::bind(address).await.map_err(|error| (address, error));
    let api = listen(config.listen).await?;
    match config.admin {
        None => Ok((api, None)),
        Some(address) => Ok((api, Some(listen(address).await?))),
    }
}

/// The router over the targets that were given; the development mailbox takes the place of those that were not. It comes back
/// when email goes there.
fn courier(config: &ResolvedConfig) -> anyhow::Result<(Router, Option<Mailbox>)> {
    // The answer has to be under way when the declared time is over, so the provider gets a little less.
    let within = Duration::from_secs(config.settings.delivery_answer_s).mul_f64(0.8);
    let router = Router::new(Wording::new(&config.settings.service_name), within);
    router.set_targets(config.email.as_ref(), config.push.as_ref())?;
    let mailbox = Mailbox::watched(match config.log {
        LogFormat::Json => mailbox::log,
        LogFormat::Text | LogFormat::Off => mailbox::print,
    });
    if config.push.is_none() {
        router.keep_push(mailbox.clone());
    }
    if config.email.is_some() {
        return Ok((router, None));
    }
    router.keep_email(mailbox.clone());
    Ok((router, Some(mailbox)))
}

fn print_banner(
    address: SocketAddr,
    admin: Option<SocketAddr>,
    mailbox: bool,
    mutant: Option<&KnownBad>,
    log: LogFormat,
) -> io::Result<()> {
    let mut out = terminal::out();
    if let Some(mutant) = mutant {
        writeln!(out, "Mutant {}: {} ({})", mutant.slug, mutant.summary, mutant.requirement)?;
    }
    walkthrough::print(&mut out, address, admin, mailbox)?;
    out.flush()?;
    for exposed in [Some(address), admin]
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
