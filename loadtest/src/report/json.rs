//! A record as a file: JSON that is written to be read, and read back with a message that says which file and what is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::{FORMAT, Record};

/// A record could not be written or read.
#[derive(Debug, Error)]
pub enum RecordFileError {
    /// The file system said no.
    #[error("{} cannot be {doing}: {source}", path.display())]
    File {
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        source: io::Error,
    },
    /// It is no JSON, or not all of it.
    #[error("{} is no complete JSON: {why} (line {line}, column {column})", path.display())]
    NoJson {
        path: PathBuf,
        why: String,
        line: usize,
        column: usize,
    },
    /// It is JSON, and no record of a storm.
    #[error("{} is no record of a storm: at `{at}`: {why}", path.display())]
    NoRecord {
        path: PathBuf,
        /// The place in it, such as `classes[0].funnel`.
        at: String,
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
    let record: Record = serde_path_to_error::deserialize(&mut from).map_err(|error| {
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
    if record.format > FORMAT {
        return Err(RecordFileError::NoRecord {
            path: path.to_owned(),
            at: "format".to_owned(),
            why: format!("written by a later version: this one reads formats up to {FORMAT}"),
        });
    }
    Ok(record)
}

fn no_json(why: &serde_json::Error, path: &Path) -> RecordFileError {
    let rendered = why.to_string();
    RecordFileError::NoJson {
        path: path.to_owned(),
        why: rendered.split(" at line ").next().unwrap_or(&rendered).to_owned(),
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
            (again.classes[1].funnel, &again.classes[1].steps[1].endings),
            (record.classes[1].funnel, &record.classes[1].steps[1].endings)
        );
        assert!((again.classes[1].response.p99_ms - record.classes[1].response.p99_ms).abs() < 1e-9);
        assert_eq!(again.seconds.len(), record.seconds.len());
    }

    #[test]
    fn a_broken_file_is_told_with_its_name_and_place() {
        let text = pretty(&fixture::storm(1, 1, 1.0)).expect("text");
        let to_text = |text: &str| parse(text, Path::new("runs/a.json")).expect_err("broken").to_string();
        let cut = to_text(&text[..text.len() / 2]);
        assert!(
            cut.starts_with("runs/a.json is no complete JSON: EOF") && cut.contains("line "),
            "{cut}"
        );
        let wrong = to_text(&text.replacen("\"offered\": ", "\"offered\": -", 1));
        assert!(
            wrong.starts_with("runs/a.json is no record of a storm: at `classes[0].funnel.offered`: invalid value"),
            "{wrong}"
        );
        let missing = to_text("{\"seed\": 1}");
        assert!(
            missing.contains("is no record of a storm") && missing.contains("missing field `tool`"),
            "{missing}"
        );
        let more = to_text(&format!("{text}{{}}"));
        assert!(more.contains("trailing characters"), "{more}");
    }

    #[test]
    fn a_record_of_the_first_format_is_read() {
        let record = fixture::broken();
        let mut text = pretty(&record).expect("text");
        // The words that fields and values had before there was a number.
        for (now, former) in [
            ("  \"format\": 2,\n", ""),
            ("\"classes\":", "\"parties\":"),
            ("\"flow\":", "\"journey\":"),
            ("\"shard\":", "\"slice\":"),
            ("\"max_vus\":", "\"users\":"),
            ("\"thresholds\":", "\"promises\":"),
            ("\"passed\":", "\"kept\":"),
            ("\"scheduling_delay\":", "\"lag\":"),
            ("\"rule\":", "\"promise\":"),
            ("\"verdict\": \"failed\"", "\"verdict\": \"broken\""),
        ] {
            assert!(text.contains(now), "{now}");
            text = text.replace(now, former);
        }
        let former = parse(&text, Path::new("former.json")).expect("read");
        assert_eq!(former.format, 1);
        let again = parse(&pretty(&record).expect("text"), Path::new("now.json")).expect("read");
        assert_eq!(crate::record::Record { format: 2, ..former }, again);
    }

    #[test]
    fn a_record_of_a_later_version_is_refused() {
        let text = pretty(&fixture::broken()).expect("text");
        let later = text.replace("\"format\": 2", "\"format\": 3");
        let error = parse(&later, Path::new("later.json")).expect_err("refused").to_string();
        assert!(error.contains("at `format`: written by a later version"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("nothing.json");
        let rendered = read(&path).expect_err("not there").to_string();
        assert!(rendered.contains("nothing.json cannot be read: "), "{rendered}");
        let rendered = write(&directory.path().join("no/where.json"), &fixture::broken())
            .expect_err("no directory")
            .to_string();
        assert!(rendered.contains("where.json cannot be written: "), "{rendered}");
    }
}
