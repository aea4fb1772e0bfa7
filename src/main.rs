//! The front door: parse, call one `run`, map the result to an exit code.

mod doctor;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Does a service that signs people in with two-step verification keep its promises?
#[derive(Debug, Parser)]
#[command(name = "stepproof", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Is a binding right, before the server is judged
    Doctor(doctor::DoctorArgs),
    /// Start the reference server, or a known-bad one
    Serve(Box<serve::ServeArgs>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Doctor(args) => doctor::run(args).await,
        Command::Serve(args) => serve::run(*args).await,
    };
    result.unwrap_or_else(|error| {
        // Standard error is gone when this fails, and with it the one to tell.
        let _ = writeln!(anstream::stderr(), "error: {error:#}");
        ExitCode::from(3)
    })
}
