//! The front door: parse, call one `run`, map the result to an exit code.

mod check;
mod doctor;
mod exit;
mod explore;
mod manual;
mod outputs;
mod repeat;
mod report;
mod selftest;
mod serve;
mod smoke;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::verdict::Exit;

/// Does a service that signs people in with two-step verification keep its promises?
#[derive(Debug, Parser)]
#[command(name = "stepproof", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a target, requirement by requirement
    Check(Box<check::CheckArgs>),
    /// Is a binding right, before the server is judged
    Doctor(doctor::DoctorArgs),
    /// Run the suite against every known-bad server: the kill matrix
    Selftest(selftest::SelftestArgs),
    /// Start the reference server, or a known-bad one
    Serve(Box<serve::ServeArgs>),
    /// Make reports from the record of a run
    Report(report::ReportArgs),
    /// Repeat recorded breaches by their curl chains, each on a server started for it
    Repeat(repeat::RepeatArgs),
    /// Walk through the abstract machine in an explorer on a local page
    Explore(explore::ExploreArgs),
    /// Print completions for a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual page
    Man,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::refuse(Exit::Unreachable, format!("no threads can be had: {error}"), None),
    };
    let code = runtime.block_on(run(command));
    // What is still under way after an interruption is not waited for.
    runtime.shutdown_background();
    code
}

async fn run(command: Command) -> ExitCode {
    let result = match command {
        Command::Check(args) => check::run(*args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Selftest(args) => selftest::run(args).await,
        Command::Serve(args) => serve::run(*args).await,
        Command::Report(args) => report::run(&args),
        Command::Repeat(args) => repeat::run(args).await,
        Command::Explore(args) => explore::run(args).await,
        Command::Completions(args) => manual::completions(&args),
        Command::Man => manual::page(),
    };
    result.unwrap_or_else(|error| exit::refuse(Exit::Unreachable, format!("{error:#}"), None))
}
