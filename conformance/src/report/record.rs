//! A run as its events tell it.

use std::collections::BTreeMap;
use std::io::BufRead;

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
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("the record cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is no event.
    #[error("line {line} is no event of a run: {source}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// There is no beginning.
    #[error("this is no record of a run: it has no run_started")]
    NoBeginning,
}

impl Record {
    /// Takes one more event.
    pub fn take(&mut self, event: &Event) {
        match event {
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
    pub fn read(from: impl BufRead) -> Result<Self, RecordError> {
        let mut record = Self::default();
        let mut lines = from.lines().enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Event>(&line) {
                Ok(event) => record.take(&event),
                Err(error) if error.is_eof() && lines.peek().is_none() => break,
                Err(source) => return Err(RecordError::Line { line: at + 1, source }),
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
