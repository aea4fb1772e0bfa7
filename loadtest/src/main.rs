//! `stepproof-load`: login storms, judged. See the library for how.
//!
//! Exit codes: 0 the thresholds were kept; 1 they were not; 2 it was called wrongly, or a file is wrong; 3 it could not run, or was
//! interrupted; 4 too little happened to say; 5 the generator, not the service, was the limit.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
