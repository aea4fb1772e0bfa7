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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn what_is_written_is_read_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("record.json");
        let record = fixture::broken();
        write(&path, &record).expect("written");
        let again = read(&path).expect("read");
        // Figures may lose their last bit on the way through text; everything else may not.
        assert_eq!(
            pretty(&again).expect("text"),
            pretty(&read(&path).expect("read")).expect("text")
        );
        assert_eq!(
            (again.scenario, again.safety, again.seed, again.verdict),
            (record.scenario, record.safety, record.seed, record.verdict)
        );
        assert_eq!(
            (again.parties[1].funnel, &again.parties[1].steps[1].endings),
            (record.parties[1].funnel, &record.parties[1].steps[1].endings)
        );
        assert!((again.parties[1].response.p99_ms - record.parties[1].response.p99_ms).abs() < 1e-9);
        assert_eq!(again.seconds.len(), record.seconds.len());
    }

    #[test]
    fn a_broken_file_is_told_with_its_name_and_place() {
        let text = pretty(&fixture::storm(1, 1, 1.0)).expect("text");
        let told = |text: &str| parse(text, Path::new("runs/a.json")).expect_err("broken").to_string();
        let cut = told(&text[..text.len() / 2]);
        assert!(
            cut.starts_with("runs/a.json is no complete JSON: EOF") && cut.contains("line "),
            "{cut}"
        );
        let wrong = told(&text.replacen("\"offered\": ", "\"offered\": -", 1));
        assert!(
            wrong.starts_with("runs/a.json is no record of a storm: at `parties[0].funnel.offered`: invalid value"),
            "{wrong}"
        );
        let missing = told("{\"seed\": 1}");
        assert!(
            missing.contains("is no record of a storm") && missing.contains("missing field `tool`"),
            "{missing}"
        );
        let more = told(&format!("{text}{{}}"));
        assert!(more.contains("trailing characters"), "{more}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("nothing.json");
        let told = read(&path).expect_err("not there").to_string();
        assert!(told.contains("nothing.json cannot be read: "), "{told}");
        let told = write(&directory.path().join("no/where.json"), &fixture::broken())
            .expect_err("no directory")
            .to_string();
        assert!(told.contains("where.json cannot be written: "), "{told}");
    }
}
