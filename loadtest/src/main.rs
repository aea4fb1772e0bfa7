//! `stepproof-load`: login storms against the reference server, started inside the process for the purpose. Traffic stays on the
//! loopback and ends by itself.
//!
//! Exit codes: 0 everybody got in, in time; 1 somebody did not; 2 it was called wrongly; 3 it could not run; 5 the generator
//! was too slow for its schedule, which says nothing about the service.
//!
//! - `old_arrivals`: when people come.
//! - `old_journey`: what each one does.
//! - `storm`: the open loop, on Goose.
//! - `figures`, `verdict`: what it came to.
//! - `embedded`: the service under load.

mod embedded;
mod figures;
mod old_arrivals;
mod old_journey;
mod storm;
mod verdict;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::embedded::{Embedded, Hash};
use crate::old_arrivals::Profile;
use crate::verdict::Verdict;

/// The most arrivals an account may have: beyond this its own limits are what is measured.
const ARRIVALS_PER_ACCOUNT: f64 = 10.0;

/// Login storms against the reference server.
#[derive(Debug, Parser)]
#[command(name = "stepproof-load", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one storm and judges it.
    Storm(Storm),
    /// Serves until standard input ends: what a storm starts as a process of its own.
    #[command(hide = true, name = loadtest::server::SERVE_EMBEDDED)]
    ServeEmbedded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The rate rises from a half of the average to one and a half of it, and falls again; every device is new.
    MorningPeak,
}

#[derive(Debug, Args)]
struct Storm {
    /// Which storm.
    kind: Kind,
    /// Arrivals a second, on average.
    #[arg(long, default_value_t = 50.0, value_name = "R", value_parser = positive)]
    rate: f64,
    /// How long people come for.
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = positive)]
    seconds: f64,
    /// Accounts they have, taken in turn; without it, one for each arrival.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    accounts: Option<u32>,
    /// The seed of the schedule: the same one gives the same storm.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Goose users: how many journeys can be under way at once.
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    users: u16,
    /// The greatest p99 of the response time that passes.
    #[arg(long, default_value_t = 1000.0, value_name = "MS", value_parser = positive)]
    slo_p99_ms: f64,
    /// How the server hashes passwords.
    #[arg(long, value_enum, default_value_t = Hash::Light)]
    hash: Hash,
    /// Writes a record in JSON to this file as well.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("not a number above 0".to_owned()),
    }
}

fn main() -> ExitCode {
    let storm = match Cli::parse().command {
        Command::Storm(storm) => storm,
        Command::ServeEmbedded => {
            return match loadtest::server::serve_embedded() {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => refuse(3, &error.to_string()),
            };
        }
    };
    let profile = match storm.kind {
        Kind::MorningPeak if storm.seconds <= 3600.0 => Profile::morning_peak(storm.rate, Duration::from_secs_f64(storm.seconds)),
        Kind::MorningPeak => return refuse(2, "a storm lasts an hour at most"),
    };
    if profile.expected() > old_arrivals::MOST {
        return refuse(2, &format!("a storm has {} arrivals at most", old_arrivals::MOST));
    }
    let too_few = |accounts: u32| profile.expected() > f64::from(accounts) * ARRIVALS_PER_ACCOUNT;
    if storm.accounts.is_some_and(too_few) {
        return refuse(
            2,
            "fewer than one account for ten arrivals: the limits of the accounts would be all that is measured",
        );
    }
    match run(&storm, profile) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => refuse(3, &format!("{error:#}")),
    }
}

/// Says why on standard error.
fn refuse(code: u8, why: &str) -> ExitCode {
    // When standard error is gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "stepproof-load: {why}");
    ExitCode::from(code)
}

#[tokio::main]
async fn run(storm: &Storm, profile: Profile) -> anyhow::Result<Verdict> {
    let arrivals = profile.arrivals(storm.seed);
    if arrivals.is_empty() {
        bail!("nobody comes: a higher --rate, more --seconds or another --seed");
    }
    let accounts = match storm.accounts {
        Some(accounts) => usize::try_from(accounts)?,
        None => arrivals.len(),
    };
    let server = Embedded::start(accounts, storm.hash).await?;
    let figures = storm::run(server.target.clone(), arrivals, accounts, storm.users.into()).await?;
    let verdict = Verdict::of(&figures, storm.slo_p99_ms);
    if let Some(path) = &storm.record {
        let record = serde_json::json!({
            "storm": "morning-peak",
            "seed": storm.seed,
            "rate": storm.rate,
            "seconds": storm.seconds,
            "accounts": accounts,
            "users": storm.users,
            "slo_p99_ms": storm.slo_p99_ms,
            "verdict": verdict,
            "exit_code": verdict.exit_code(),
            "figures": figures,
        });
        std::fs::write(path, format!("{record:#}\n")).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let title = format!(
        "morning-peak: {}/s over {} s, seed {}, {accounts} accounts, {} users, {:?} password hash",
        storm.rate, storm.seconds, storm.seed, storm.users, storm.hash
    );
    let text = verdict::table(&title, &figures, verdict, storm.slo_p99_ms);
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(verdict)
}
