//! A record as a file: JSON that is written to be read, and read back with a message that says which file and what is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::Record;

/// A record could not be written or read.
#[derive(Debug, Error)]
pub enum RecordFileError {
    /// The file system said no.
    #[error("{} cannot be {doing}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON, or not all of it.
    #[error("{} is no complete JSON: {why} (line {line}, column {column})", path.display())]
    NoJson {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// It is JSON, and no record of a storm.
    #[error("{} is no record of a storm: at `{at}`: {why}", path.display())]
    NoRecord {
        /// Which file.
        path: PathBuf,
        /// The place in it, such as `parties[0].funnel`.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// The record has a figure that JSON has no word for.
    #[error("the record cannot be told in JSON: {0}")]
    Untellable(serde_json::Error),
}

/// The record as text.
pub fn pretty(record: &Record) -> Result<String, RecordFileError> {
    let mut text = serde_json::to_string_pretty(record).map_err(RecordFileError::Untellable)?;
    text.push('\n');
    Ok(text)
}

/// Writes the record to a file.
pub fn write(path: &Path, record: &Record) -> Result<(), RecordFileError> {
    let text = pretty(record)?;
    std::fs::write(path, text).map_err(|source| RecordFileError::File {
        path: path.to_owned(),
        doing: "written",
        source,
    })
}

/// Reads a record from a file.
pub fn read(path: &Path) -> Result<Record, RecordFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| RecordFileError::File {
        path: path.to_owned(),
        doing: "read",
        source,
    })?;
    parse(&text, path)
}

/// Reads a record from text that came from `path`.
pub fn parse(text: &str, path: &Path) -> Result<Record, RecordFileError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let record = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let (at, why) = (error.path().to_string(), error.into_inner());
        if why.is_data() {
            return RecordFileError::NoRecord {
                path: path.to_owned(),
                at,
                why: why.to_string(),
            };
        }
        no_json(&why, path)
    })?;
    from.end().map_err(|why| no_json(&why, path))?;
    Ok(record)
}

fn no_json(why: &serde_json::Error, path: &Path) -> RecordFileError {
    let told = why.to_string();
    RecordFileError::NoJson {
        path: path.to_owned(),
        why: told.split(" at line ").next().unwrap_or(&told).to_owned(),
        line: why.line(),
        column: why.column(),
    }
}
