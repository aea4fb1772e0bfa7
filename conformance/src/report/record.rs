//! A run as its events tell it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use serde_json::Value;

use crate::events::{Event, Judged, RunFinished, RunStarted};

/// A run, as far as its events go.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its beginning.
    pub started: Option<RunStarted>,
    /// What each check does, by its id.
    pub titles: BTreeMap<String, String>,
    /// The exchanges and deliveries of each check, by its id.
    pub evidence: BTreeMap<String, Vec<Value>>,
    /// The verdicts in the order in which they were reached.
    pub judged: Vec<Judged>,
    /// Its end; a record without one is an interrupted run.
    pub finished: Option<RunFinished>,
    /// Events that came where none of their kind can, in sentences.
    pub disordered: Vec<String>,
}

/// Bytes of a line that is read; the longest that a run writes, a verdict with its commands, are far below.
pub const MAX_LINE: usize = 64 << 20;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("the record cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is no event.
    #[error("line {line} is no event of a run: {}", shortened(source))]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line is longer than any that a run writes.
    #[error("line {line} is no event of a run: it is longer than {} MiB", MAX_LINE >> 20)]
    TooLong {
        /// Its number, from 1.
        line: usize,
    },
    /// There is no beginning.
    #[error("this is no record of a run: it has no run_started")]
    NoBeginning,
}

/// Such an error quotes what it met, which may be long.
fn shortened(error: &serde_json::Error) -> String {
    const SHOWN: usize = 300;
    let told = error.to_string();
    match told.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &told[..at]),
        None => told,
    }
}

impl Record {
    /// Takes one more event.
    pub fn take(&mut self, event: &Event) {
        if self.finished.is_some() {
            self.disordered.push("an event follows the end of the run".to_owned());
        }
        match event {
            Event::RunStarted(_) if self.started.is_some() => {
                self.disordered.push("a second run begins: two are mixed here".to_owned());
            }
            Event::RunStarted(started) => self.started = Some((**started).clone()),
            Event::CheckStarted { check, title, .. } => {
                self.titles.insert(check.clone(), title.clone());
            }
            Event::Exchange { check, .. } | Event::Delivery { check, .. } => {
                let shown = serde_json::to_value(event).unwrap_or_default();
                self.evidence.entry(check.clone()).or_default().push(shown);
            }
            Event::Verdict(judged) => self.judged.push((**judged).clone()),
            // How far the walks are is for those who wait; what they came to is in their verdict.
            Event::Walk { .. } => {}
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    /// Reads a record. A last line that was cut off in the middle is left out: the run was interrupted there.
    pub fn read(mut from: impl BufRead) -> Result<Self, RecordError> {
        let mut record = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            (&mut from).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
            if bytes.is_empty() {
                break;
            }
            if bytes.len() > MAX_LINE {
                return Err(RecordError::TooLong { line });
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Event>(&bytes) {
                Ok(event) => record.take(&event),
                Err(error) if error.is_eof() && from.fill_buf()?.is_empty() => break,
                Err(source) => return Err(RecordError::Line { line, source }),
            }
        }
        if record.started.is_none() {
            Err(RecordError::NoBeginning)
        } else {
            Ok(record)
        }
    }

    /// Whether the run was cut short, by its own word or by the lack of one.
    pub fn interrupted(&self) -> bool {
        self.finished.as_ref().is_none_or(|finished| finished.interrupted)
    }

    /// The verdicts in the order of the specification.
    pub fn ordered(&self) -> Vec<&Judged> {
        let place: BTreeMap<&str, usize> = specs::catalogue::catalogue()
            .iter()
            .enumerate()
            .map(|(at, requirement)| (requirement.id.as_str(), at))
            .collect();
        let mut ordered: Vec<&Judged> = self.judged.iter().collect();
        ordered.sort_by_key(|judged| {
            (
                place.get(judged.requirement.as_str()).copied().unwrap_or(usize::MAX),
                judged.check.clone(),
            )
        });
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNING: &str = r#"{"event":"run_started","at":"2026-01-01T00:00:00Z","tool":{"name":"stepproof","version":"0"},"target":{"name":"t","urls":[],"binding":null},"profile":"faq","seed":1,"clock":"none","parameters":{},"capabilities":[],"selected":1}"#;

    #[test]
    fn a_record_without_its_end_is_an_interrupted_run() {
        let record = Record::read(BEGINNING.as_bytes()).unwrap();
        assert!(record.interrupted());
        let cut = format!("{BEGINNING}\n{{\"event\":\"verdi");
        assert!(Record::read(cut.as_bytes()).unwrap().interrupted());
    }

    #[test]
    fn what_is_no_record_is_told_with_its_line() {
        let wrong = format!("{BEGINNING}\nnot json\n{BEGINNING}");
        assert!(matches!(
            Record::read(wrong.as_bytes()),
            Err(RecordError::Line { line: 2, .. })
        ));
        assert!(matches!(Record::read(&b""[..]), Err(RecordError::NoBeginning)));
    }
}
