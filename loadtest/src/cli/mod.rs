//! The command line: parse, call the library, map to an exit code.
//!
//! Exit codes: 0 every threshold passed; 1 one did not; 2 it was called wrongly, or a file is wrong; 3 it could not run, or was
//! interrupted; 4 too little happened to say; 5 the generator, not the service, was the limit.
//!
//! - `target`: what shall be under load.
//! - `signals`: how it is told to end.
//! - `storm`, `capacity`, `worker`, `merge`, `compare`, `list`: one file a command.

mod capacity;
mod compare;
mod list;
mod merge;
mod outputs;
mod signals;
mod storm;
mod target;
#[cfg(feature = "locust")]
mod worker;

use std::io::Write as _;
use std::process::ExitCode;

use crate::drive::server;
use crate::flow::Flows;
use clap::{Parser, Subcommand};
use signals::Signals;
use targets::terminal;
use targets::text::printable;

/// Login storms against services with two-step verification, judged for speed and for safety.
#[derive(Debug, Parser)]
#[command(name = "stepproof-load", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a storm and judges it
    Storm(storm::Storm),
    /// Looks for the highest rate at which the SLO is met
    Capacity(capacity::Capacity),
    /// Works for a Locust master
    #[cfg(feature = "locust")]
    Worker(worker::Worker),
    /// Makes one report of the shards of a storm
    Merge(merge::Merge),
    /// Compares runs of two versions, seed by seed
    Compare(compare::Compare),
    /// Lists the storms, or shows one
    List(list::List),
    /// The role of the server under load
    #[command(hide = true, name = server::SERVE_EMBEDDED)]
    ServeEmbedded,
}

/// An ending that is no verdict.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    code: u8,
    pub(crate) what: String,
}

impl Failure {
    /// The call, or a file, is wrong.
    pub(crate) fn usage(what: impl std::fmt::Display) -> Self {
        Self {
            code: 2,
            what: what.to_string(),
        }
    }

    /// A file is wrong: told with the place in it.
    pub(crate) fn file(error: impl miette::Diagnostic + Send + Sync + 'static) -> Self {
        Self::usage(format!("{:?}", miette::Report::new(error)))
    }

    /// Nothing can be said.
    pub(crate) fn too_little(what: impl std::fmt::Display) -> Self {
        Self {
            code: 4,
            what: what.to_string(),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            code: 3,
            what: format!("{error:#}"),
        }
    }
}

/// Runs what was asked for; `flows` are those of a scenario, and any of one's own.
pub fn run(flows: Flows) -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::ServeEmbedded) {
        return match server::serve_embedded() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => to_text(&Failure::from(anyhow::Error::new(error))),
        };
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return to_text(&Failure::from(anyhow::Error::new(error))),
    };
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Storm(storm) => signalled(async |signals| storm.run(signals, &flows).await).await,
            Command::Capacity(capacity) => signalled(async |signals| capacity.run(signals, &flows).await).await,
            #[cfg(feature = "locust")]
            Command::Worker(worker) => signalled(async |signals| worker.run(signals, &flows).await).await,
            Command::Merge(merge) => merge.run(),
            Command::Compare(compare) => compare.run(),
            Command::List(list) => list.run(),
            // Answered before there is a runtime.
            Command::ServeEmbedded => Ok(0),
        }
    });
    // What is still under way, such as reading standard input, is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => to_text(&failure),
    }
}

/// Runs a command that is ended in order by a signal, and let go by the second: dropped, it ends what it started.
async fn signalled(command: impl AsyncFnOnce(&Signals) -> Result<u8, Failure>) -> Result<u8, Failure> {
    let signals = Signals::listen();
    tokio::select! {
        ended = command(&signals) => ended,
        () = signals.second() => Ok(signals::INTERRUPTED),
    }
}

fn to_text(failure: &Failure) -> ExitCode {
    let _ = writeln!(terminal::err(), "error: {}", failure.what);
    ExitCode::from(failure.code)
}

/// Writes to standard output, for people.
pub(crate) fn print(text: &str) {
    written(terminal::out(), text);
}

/// Writes to standard output, for programs: as it is.
pub(crate) fn print_data(text: &str) {
    written(terminal::data(), text);
}

/// A reader that has gone is no failure of the run; what else is the matter is told, and changes no verdict.
fn written(mut to: impl std::io::Write, text: &str) {
    if let Err(error) = to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        note(&format!("error: {error}"));
    }
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(terminal::err(), "{}", printable(text));
}
