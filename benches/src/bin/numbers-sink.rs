//! How many messages a second the delivery sink takes: FCM and SendGrid calls in equal parts, and SMTP apart, from a sender in the
//! same process. What counts is what was acknowledged and lay in the mailbox.
//!
//! `cargo run --release -p benches --bin numbers-sink`

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use loadtest::sink::rate::{Rate, measure};

/// Messages a second that the sink is held to.
const GOAL: f64 = 20_000.0;

#[derive(Debug, Parser)]
struct Cli {
    /// Seconds for each of the two.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let report = measure(cli.seconds)?;
    let mut out = std::io::stdout().lock();
    if cli.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        writeln!(out, "one sink thread and one sender thread, goal {GOAL} messages/s by HTTP")?;
        row(&mut out, "FCM + SendGrid", &report.http)?;
        row(&mut out, "SMTP", &report.smtp)?;
    }
    let complete = [report.http, report.smtp].iter().all(|rate| rate.letters == rate.messages);
    if !complete {
        writeln!(out, "letters were lost: what was acknowledged did not all arrive")?;
    }
    let reached = complete && report.http.per_second() >= GOAL;
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(out: &mut impl std::io::Write, name: &str, rate: &Rate) -> std::io::Result<()> {
    writeln!(
        out,
        "{name:<16}{:>10.0} messages/s   sink {:>6.2} µs CPU a message (two cores: {:>8.0}/s)   sender {:>6.2} µs   {} acknowledged, {} arrived",
        rate.per_second(),
        rate.sink_us,
        rate.two_cores(),
        rate.sender_us,
        rate.messages,
        rate.letters,
    )
}
