//! What one journey of three dependent requests costs the generator in processor time, beside a bare loop over hyper, Goose as it comes,
//! and Locust's FastHttpUser. Each generator runs in a process of its own, in turn, against one and the same service, with as many
//! connections, as fast as it goes. Of the load tester everything is counted that it does in a storm: its start, its journeys,
//! the log, the histories, and Goose's own metrics.
//!
//! `cargo run --release -p benches --bin numbers-generator`
//!
//! Locust has to be installed for its row: `scripts/locust-venv`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use benches::bare::{goose_as_it_comes, hyper_loop};
use benches::cost::cpu;
use benches::rounds::{Told, median, told};
use benches::storm::{Asked, persons, requests};
use benches::stub::{Child, Plan, role};
use clap::{Parser, ValueEnum};

/// Parts of a baseline's processor time that a journey may take.
const OF_HYPER: f64 = 1.4;
const OF_GOOSE: f64 = 0.5;
const OF_LOCUST: f64 = 1.0 / 15.0;

/// How late a journey may begin at half of the limit.
const LAG_MS: f64 = 5.0;

#[derive(Debug, Parser)]
struct Cli {
    /// Rounds: in each, every generator runs once.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds that a generator runs.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections, or users.
    #[arg(long, default_value_t = 64)]
    users: usize,
    /// Journeys of the load tester in a round.
    #[arg(long, default_value_t = 60_000)]
    journeys: u64,
    /// Locust's program; without it, where `scripts/locust-venv` puts it.
    #[arg(long)]
    locust: Option<PathBuf>,
    /// What this process is to be.
    #[arg(long, hide = true)]
    role: Option<Role>,
    /// Where the service is.
    #[arg(long, hide = true)]
    service: Option<SocketAddr>,
    /// Journeys a second.
    #[arg(long, hide = true)]
    rate: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Service,
    Hyper,
    Goose,
    Requests,
    Persons,
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.role {
        None => compare(&cli),
        Some(role) => tokio::runtime::Runtime::new()?.block_on(play(&cli, role)),
    }
}

/// What a child process does.
async fn play(cli: &Cli, as_what: Role) -> anyhow::Result<ExitCode> {
    if as_what == Role::Service {
        role(Plan::default()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let service = cli.service.context("where is the service?")?;
    let lasts = Duration::from_secs(cli.seconds);
    let begun = Instant::now();
    let asked = Asked {
        service,
        users: cli.users,
        flows: cli.journeys,
        rate: cli.rate,
    };
    let mut told = Told {
        journeys: 0,
        cpu_s: 0.0,
        wall_s: 0.0,
        lag_p99_ms: None,
    };
    let mut before = Duration::ZERO;
    match as_what {
        Role::Hyper => told.journeys = hyper_loop(service, cli.users as u64, lasts).await?,
        Role::Goose => (told.journeys, before) = goose_as_it_comes(service, cli.users, lasts).await?,
        Role::Requests => return tell(&requests(asked).await?),
        Role::Persons | Role::Service => return tell(&persons(asked).await?),
    }
    told.cpu_s = cpu()?.saturating_sub(before).as_secs_f64();
    told.wall_s = begun.elapsed().as_secs_f64();
    tell(&told)
}

fn tell(told: &Told) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{}", serde_json::to_string(told)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The generators in turn, round by round.
#[derive(Default)]
struct Rounds {
    requests: Vec<Told>,
    persons: Vec<Told>,
    hyper: Vec<Told>,
    goose: Vec<Told>,
    locust: Vec<Told>,
}

fn compare(cli: &Cli) -> anyhow::Result<ExitCode> {
    let service = Child::start(&["--role", "service"])?;
    let locust = locust(cli);
    let mut rounds = Rounds::default();
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} connections each, {} rounds; microseconds of processor time for a journey of three requests",
        cli.users, cli.rounds
    )?;
    for round in 1..=cli.rounds {
        rounds.requests.push(child(cli, service.address, "requests", None)?);
        rounds.hyper.push(child(cli, service.address, "hyper", None)?);
        rounds.goose.push(child(cli, service.address, "goose", None)?);
        if let Some(locust) = &locust {
            rounds.locust.push(run_locust(cli, locust, service.address)?);
        }
        rounds.persons.push(child(cli, service.address, "persons", None)?);
        let latest = [&rounds.requests, &rounds.hyper, &rounds.goose, &rounds.locust];
        let latest = latest.map(|of| of.last().map_or_else(|| "-".to_owned(), |told| format!("{:.1}", told.us())));
        let [this, hyper, goose, locust] = latest;
        writeln!(
            out,
            "round {round}: this {this}, hyper {hyper}, Goose {goose}, Locust {locust}"
        )?;
    }
    let limit = median(rounds.requests.iter().map(Told::rate).collect());
    let half = child(cli, service.address, "requests", Some(limit / 2.0))?;
    let good = table(&mut out, &rounds, limit, &half)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(out: &mut impl std::io::Write, rounds: &Rounds, limit: f64, half: &Told) -> std::io::Result<bool> {
    writeln!(
        out,
        "\n{:<34}{:>12}{:>12}{:>14}{:>12}",
        "generator", "µs/journey", "journeys/s", "this beside it", "at most"
    )?;
    let middle = |of: &[Told], value: fn(&Told) -> f64| median(of.iter().map(value).collect());
    let mut good = true;
    let rows = [
        ("stepproof-load, measuring all", &rounds.requests, None),
        ("the same, a person's journey", &rounds.persons, None),
        ("a bare loop over hyper", &rounds.hyper, Some(OF_HYPER)),
        ("Goose as it comes, on reqwest", &rounds.goose, Some(OF_GOOSE)),
        ("Locust's FastHttpUser", &rounds.locust, Some(OF_LOCUST)),
    ];
    for (name, of, most) in rows {
        if of.is_empty() {
            writeln!(
                out,
                "{name:<34}not measured: Locust is not installed (scripts/locust-venv); its goal is NOT met"
            )?;
            good = false;
            continue;
        }
        write!(
            out,
            "{name:<34}{:>12.1}{:>12.0}",
            middle(of, Told::us),
            middle(of, Told::rate)
        )?;
        let Some(most) = most else {
            writeln!(out)?;
            continue;
        };
        // Of each round by itself: what disturbed one of a pair mostly disturbed the other.
        let part = median(
            rounds
                .requests
                .iter()
                .zip(of)
                .map(|(this, other)| this.us() / other.us())
                .collect(),
        );
        good &= part <= most;
        writeln!(out, "{part:>14.3}{most:>12.3}  {}", word(part <= most))?;
    }
    let lag = half.lag_p99_ms.unwrap_or(f64::INFINITY);
    good &= lag < LAG_MS;
    writeln!(
        out,
        "start lag p99 at half of the limit ({:.0} journeys/s): {lag:.2} ms, under {LAG_MS} ms  {}",
        limit / 2.0,
        word(lag < LAG_MS)
    )?;
    Ok(good)
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "NOT met" }
}

fn child(cli: &Cli, service: SocketAddr, role: &str, rate: Option<f64>) -> anyhow::Result<Told> {
    let journeys = rate.map_or(cli.journeys, |rate| (rate * cli.seconds as f64) as u64);
    let mut arguments: Vec<String> = Vec::new();
    let numbers = [("users", cli.users as u64), ("seconds", cli.seconds), ("journeys", journeys)];
    for (name, value) in numbers
        .map(|(name, value)| (name, value.to_string()))
        .into_iter()
        .chain([("role", role.to_owned()), ("service", service.to_string())])
    {
        arguments.extend([format!("--{name}"), value]);
    }
    arguments.extend(rate.map(|rate| format!("--rate={rate}")));
    told(&arguments)
}

/// Locust, where it is installed.
fn locust(cli: &Cli) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here().join("../target"), PathBuf::from);
    let program = cli.locust.clone().unwrap_or_else(|| target.join("locust-venv/bin/locust"));
    program.exists().then_some(program)
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Locust counts its own processor time from the start of its test; it is one process, and so uses one core.
fn run_locust(cli: &Cli, program: &Path, service: SocketAddr) -> anyhow::Result<Told> {
    let ran = Command::new(program)
        .args(["--headless", "--only-summary", "--skip-log", "-f"])
        .arg(here().join("locust/journey.py"))
        .args(["--host", &format!("http://{service}")])
        .args(["--users", &cli.users.to_string(), "--spawn-rate", &cli.users.to_string()])
        .args(["--run-time", &format!("{}s", cli.seconds)])
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("journeys "));
    let parts = line.and_then(|line| line.split_once(" cpu_s "));
    let (journeys, cpu_s) = parts.with_context(|| format!("Locust told nothing: {}", ran.status))?;
    Ok(Told {
        journeys: journeys.parse()?,
        cpu_s: cpu_s.parse()?,
        wall_s: cli.seconds as f64,
        lag_p99_ms: None,
    })
}
