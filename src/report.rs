//! `stepproof report`: reports from the record of a run, also later.
//!
//! Exit codes: 0 the report is made, whatever it says, also about a run that was interrupted or a record that contradicts itself;
//! 2 the record cannot be read or is none; 3 the report cannot be written.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use conformance::report::record::Record;
use conformance::report::{json, junit, text};
use conformance::verdict::Exit;

use crate::exit::{CliError, Ended, shown, warn};
use crate::outputs::whole;
use crate::terminal;

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
pub(crate) fn run(args: &ReportArgs) -> Ended {
    let read = File::open(&args.record)
        .map_err(Into::into)
        .and_then(|file| Record::read(BufReader::new(file)));
    let record = read.map_err(|error| {
        let error = CliError::usage(format!("{}: {error}", args.record.display()));
        if args.record.is_dir() {
            error.hint("name the run.ndjson in it")
        } else {
            error
        }
    })?;
    let write = |to: &mut dyn Write| match args.format {
        Format::Junit => junit::write(&record, to),
        Format::Json => json::write(&record, to),
        Format::Text => text::write(&record, to),
    };
    let written = match &args.out {
        Some(path) => to_file(path, write),
        None => {
            let mut out = terminal::out();
            write(&mut out).and_then(|()| out.flush())
        }
    };
    // A person reads it in the report itself.
    if args.out.is_some() || !matches!(args.format, Format::Text) {
        warn_of(&record);
    }
    shown(Exit::Conforms, written)
}

/// Without colours, and as a whole where the place is a file.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::new();
    write(&mut terminal::plain(&mut bytes))?;
    let file = |mut file: BufWriter<File>| file.write_all(&bytes).and_then(|()| file.flush());
    let written = match path.metadata() {
        Ok(place) if !place.is_file() => File::options().write(true).open(path).map(BufWriter::new).and_then(file),
        _ => whole(path, file),
    };
    written.map_err(|error| io::Error::new(error.kind(), format!("{} cannot be written: {error}", path.display())))
}

fn warn_of(record: &Record) {
    if record.interrupted() {
        warn("the run was interrupted; what is missing was not judged");
    }
    if let [first, ..] = &record.contradictions()[..] {
        warn(format!("the record contradicts itself: {first}"));
    }
}
