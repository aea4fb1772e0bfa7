//! `stepproof report`: reports from the record of a run, also later.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use conformance::report::record::Record;
use conformance::report::{json, junit, text};
use conformance::verdict::Exit;

use crate::exit::refuse;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// The record of a run
    #[arg(value_name = "RUN.ndjson")]
    record: PathBuf,
    /// What to make of it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to write it; standard output when not given
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For continuous integration.
    Junit,
    /// For programs.
    Json,
}

/// Makes the report.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let read = File::open(&args.record)
        .map_err(Into::into)
        .and_then(|file| Record::read(BufReader::new(file)));
    let record = match read {
        Ok(record) => record,
        Err(error) => return Ok(refuse(Exit::Usage, format!("{}: {error}", args.record.display()), None)),
    };
    let mut bytes = Vec::new();
    match args.format {
        Format::Junit => junit::write(&record, &mut bytes)?,
        Format::Json => json::write(&record, &mut bytes)?,
        Format::Text => {
            text::checks(&record, &mut bytes)?;
            text::breaches(&record, &mut bytes)?;
            let seed = record.started.as_ref().map_or(0, |started| started.seed);
            match &record.finished {
                Some(finished) => text::summary(finished, seed, &mut bytes)?,
                None => writeln!(bytes, "\nthe run was interrupted; what is missing was not judged")?,
            }
        }
    }
    match &args.out {
        Some(path) => std::fs::write(path, &bytes).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?,
        None => anstream::stdout().lock().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}
