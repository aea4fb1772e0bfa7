//! How long a large population takes to prepare: accounts with a trusted device that receives push, over the admin interface of
//! the reference server in a process of its own. Its passwords are hashed as in production; accounts of one call share a hash.
//!
//! `cargo run --release -p benches --bin numbers-seeding [ACCOUNTS]`

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use loadtest::drive::server::{Child, Hash, Options, SERVE_EMBEDDED, serve_embedded};
use loadtest::measure::resources;
use reference_server::adapters::admin::{Seed, SeedDevice};

/// Seconds that a million accounts are held to.
const GOAL_S: f64 = 60.0;

/// MiB that the generator is held to.
const GENERATOR_MIB: f64 = 500.0;

#[derive(Debug, Parser)]
struct Cli {
    /// Accounts.
    #[arg(default_value_t = 1_000_000)]
    accounts: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    // The server is this program again.
    if std::env::args().nth(1).is_some_and(|first| first == SERVE_EMBEDDED) {
        serve_embedded()?;
        return Ok(ExitCode::SUCCESS);
    }
    measure(&Cli::parse())
}

#[tokio::main]
async fn measure(cli: &Cli) -> anyhow::Result<ExitCode> {
    let options = Options {
        hash: Hash::Owasp,
        ..Options::default()
    };
    let server = Child::start(&options).await?;
    let pid = server.addresses().pid;
    let before = resources::of_process(pid).unwrap_or_default();
    let begun = Instant::now();
    let created = server.seed((0..cli.accounts).map(seed)).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let (theirs, own) = (
        resources::of_process(pid).unwrap_or_default(),
        resources::of_self().unwrap_or_default(),
    );
    server.stop().await?;
    let per_account = (theirs.rss_mib - before.rss_mib) * 1024.0 * 1024.0 / created.max(1) as f64;
    let mut out = std::io::stdout().lock();
    if cli.json {
        let rendered = serde_json::json!({
            "accounts": created, "seconds": seconds, "server_cpu_s": theirs.cpu_s, "generator_cpu_s": own.cpu_s,
            "server_rss_mib": theirs.rss_mib, "server_bytes_per_account": per_account, "generator_rss_mib": own.rss_mib,
        });
        writeln!(out, "{rendered}")?;
    } else {
        writeln!(
            out,
            "{created} accounts with a trusted push device in {seconds:.1} s: {:.0}/s",
            created as f64 / seconds
        )?;
        writeln!(
            out,
            "server     {:>8.1} s CPU {:>8.0} MiB, {per_account:.0} bytes an account",
            theirs.cpu_s, theirs.rss_mib
        )?;
        writeln!(out, "generator  {:>8.1} s CPU {:>8.0} MiB", own.cpu_s, own.rss_mib)?;
        writeln!(
            out,
            "goal: a million in under {GOAL_S:.0} s, the generator under {GENERATOR_MIB:.0} MiB"
        )?;
    }
    let in_time = seconds < GOAL_S * cli.accounts as f64 / 1e6;
    let reached = created == cli.accounts && in_time && own.rss_mib < GENERATOR_MIB;
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn seed(number: u64) -> Seed {
    Seed {
        email: format!("u{number:07}@storm.example.com"),
        password: "correct horse battery".to_owned(),
        two_step: true,
        device: Some(SeedDevice {
            installation: format!("installation-{number:019}"),
            name: "Phone".to_owned(),
            trust_token: Some(format!("tt_{number:043}")),
            push_token: Some(format!("push-{number:027}")),
        }),
    }
}
