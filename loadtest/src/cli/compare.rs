//! `compare`: runs of two versions, paired by seed.

use std::path::{Path, PathBuf};

use crate::record::RECORD;
use crate::record::Record;
use crate::report;
use crate::verdict::compare::{Outcome, compare};
use clap::Args;
use targets::text::json;

use super::{Failure, print, print_data};

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The first version's run: its report directory (with several seeds in it, all of them), or its record
    a: PathBuf,
    /// The second version's
    b: PathBuf,
    /// Prints JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let (a, b) = (records(&self.a)?, records(&self.b)?);
        let comparison = compare(&a, &b).map_err(Failure::usage)?;
        if self.json {
            print_data(&json(&comparison.json().map_err(anyhow::Error::from)?));
        } else {
            print(&comparison.to_text());
        }
        Ok(u8::from(matches!(comparison.verdict, Outcome::Slower | Outcome::Mixed)))
    }
}

/// The records of a run: a file, a directory with one, or a directory of several seeds.
fn records(path: &Path) -> Result<Vec<Record>, Failure> {
    if path.is_file() {
        return Ok(vec![report::json::read(path).map_err(Failure::usage)?]);
    }
    if path.join(RECORD).is_file() {
        return records(&path.join(RECORD));
    }
    let entries = std::fs::read_dir(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().join(RECORD))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "{} has no {RECORD}, nor has a directory in it",
            path.display()
        )));
    }
    found
        .iter()
        .map(|path| report::json::read(path).map_err(Failure::usage))
        .collect()
}
