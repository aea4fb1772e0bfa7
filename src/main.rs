//! The front door: parse, call one `run`, map the result to an exit code.

mod check;
mod doctor;
mod exit;
mod explore;
mod manual;
mod outputs;
mod progress;
mod repeat;
mod report;
mod selftest;
mod serve;
mod signals;
mod smoke;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use targets::terminal;

use crate::exit::{CliError, Ended};
use crate::signals::heeding;

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
    /// Run the suite against every mutant of the reference server: the mutation matrix
    Selftest(selftest::SelftestArgs),
    /// Start the reference server, or a mutant of it
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
    // What is wrong with a file is told without colours: a file may hold some of its own.
    let plain = |_: &_| Box::new(miette::MietteHandlerOpts::new().color(false).build()) as Box<dyn miette::ReportHandler>;
    // Refused only where a hook has been set already.
    let _ = miette::set_hook(Box::new(plain));
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(said) => return exit::code(exit::usage(&said)),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::code(Err(CliError::unreachable(format!("no threads can be had: {error}")))),
    };
    let code = exit::code(runtime.block_on(run(command)));
    // What is still under way after an interruption is not waited for.
    runtime.shutdown_background();
    code
}

async fn run(command: Command) -> Ended {
    match command {
        Command::Check(args) => heeding("interrupted: the record is closed", |stop| check::run(*args, stop)).await,
        Command::Doctor(args) => heeding("interrupted", |stop| doctor::run(args, stop)).await,
        Command::Selftest(args) => heeding("interrupted", |stop| selftest::run(args, stop)).await,
        Command::Serve(args) => heeding("", |stop| serve::run(*args, stop)).await,
        Command::Report(args) => report::run(&args),
        Command::Repeat(args) => heeding("interrupted", |stop| repeat::run(args, stop)).await,
        Command::Explore(args) => heeding("stopping", |stop| explore::run(args, stop)).await,
        Command::Completions(args) => manual::completions(&args),
        Command::Man => manual::page(),
    }
}
