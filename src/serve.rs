//! `stepproof serve`: the reference server, or a mutant of it, on an address.
//!
//! Exit codes: 0 stopped by a signal, with every request under way answered or its time over; 2 the call or the configuration is
//! wrong; 3 an address cannot be had, or a second signal ended it at once.

mod config;
mod mailbox;
mod walkthrough;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conformance::verdict::Exit;
use mutants::Mutant;
use reference_server::adapters::admin::{self, Admin};
use reference_server::adapters::locator::Mmdb;
use reference_server::adapters::mailer::{Mailbox, ProviderMailer, Templates};
use reference_server::ports::ManualClock;
use reference_server::{Composition, Deps, serve};
use tokio::net::TcpListener;

use crate::exit::{self, CliError, Ended};
use crate::selftest::mutant;
use crate::signals::{Stop, stopped};
use crate::terminal;
pub(crate) use config::ServeArgs;
use config::{LogFormat, ResolvedConfig};

/// Serves until a signal.
pub(crate) async fn run(args: ServeArgs, mut stop: Stop) -> Ended {
    let config = config::resolve(args).map_err(|report| CliError::usage(format!("{report:?}")))?;
    let mutant = config
        .options
        .mutant
        .as_deref()
        .map(|slug| mutant(slug, Exit::Usage))
        .transpose()?;
    let locator = config.options.mmdb.as_deref().map(Mmdb::open).transpose();
    let locator = locator.map_err(|error| CliError::usage(error).hint("a MaxMind database is a file that ends in .mmdb"))?;
    let (listener, admin) = bind(&config).await.map_err(|(address, error)| unreachable(address, &error))?;
    config::start_log(config.log);

    let (mailer, mailbox) = mailer(&config)?;
    let clock = Arc::new(ManualClock::default());
    let mut deps = Deps::standard(Arc::new(mailer.clone()));
    if admin.is_some() {
        deps.clock = clock.clone();
    }
    if let Some(locator) = locator {
        deps.locator = Arc::new(locator);
    }
    let mut server = Composition::from(deps);
    if let Some(mutant) = mutant {
        (mutant.change)(&mut server);
    }
    let router = server.router(config.settings.clone());
    let service = router.service().clone();

    let address = listener.local_addr()?;
    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Err(error) = print_banner(address, admin_address, mailbox.is_some(), mutant, config.log) {
        // The server is of use to those who know its address.
        warn(config.log, &error.to_string());
    }
    let mut also = stop.clone();
    let api = serve(listener, router, config.connections, told_to_stop(&mut also, config.log));
    match admin {
        None => api.await,
        Some(listener) => {
            let admin = Admin {
                service,
                clock,
                mailer,
                mailbox,
            };
            tokio::join!(api, admin::serve(listener, admin, stopped(&mut stop)));
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
    match config.options.admin {
        None => Ok((api, None)),
        Some(address) => Ok((api, Some(listen(address).await?))),
    }
}

/// The mailer over the targets that were given; the development mailbox takes the place of those that were not. It comes back
/// when email goes there.
fn mailer(config: &ResolvedConfig) -> anyhow::Result<(ProviderMailer, Option<Mailbox>)> {
    // The answer has to be under way when the declared time is over, so the provider gets a little less.
    let within = Duration::from_secs(config.settings.delivery_answer_s).mul_f64(0.8);
    let mailer = ProviderMailer::new(Templates::new(&config.settings.service_name), within);
    mailer.set_targets(config.options.email.as_ref(), config.options.push.as_ref())?;
    let mailbox = Mailbox::on_message(match config.log {
        LogFormat::Json => mailbox::log,
        LogFormat::Text | LogFormat::Off => mailbox::print,
    });
    if config.options.push.is_none() {
        mailer.keep_push(mailbox.clone());
    }
    if config.options.email.is_some() {
        return Ok((mailer, None));
    }
    mailer.keep_email(mailbox.clone());
    Ok((mailer, Some(mailbox)))
}

fn print_banner(
    address: SocketAddr,
    admin: Option<SocketAddr>,
    mailbox: bool,
    mutant: Option<&Mutant>,
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
