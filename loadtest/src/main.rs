//! `stepproof-load`: login storms, judged. See the library for how, and `cli` for the exit codes.

use std::process::ExitCode;

use loadtest::flow::Flows;

fn main() -> ExitCode {
    loadtest::cli::run(Flows::default())
}
