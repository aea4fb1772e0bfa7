//! A run as its events tell it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value;
use targets::curl::{self, ChainError};
use targets::{RedactedExchange, RedactedMessage};

use crate::events::{Event, FORMAT, Judged, RunFinished, RunStarted};

/// A run, as far as its events go.
#[derive(Clone, Debug, Default)]
pub struct Record {
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
    /// Which part of a check's evidence stands behind each of its verdicts; a walk's cases have a verdict each.
    pub(super) parts: BTreeMap<(String, Option<u32>), Range<usize>>,
}

/// Bytes of a line that is read; the longest that a run writes, a verdict with its commands, are far below.
pub const MAX_LINE: usize = 64 << 20;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("line {line} is no event of a run: {}", shortened(source))]
    Line { line: usize, source: serde_json::Error },
    /// A line is longer than any that a run writes.
    #[error("line {line} is no event of a run: it is longer than {} MiB", MAX_LINE >> 20)]
    TooLong { line: usize },
    /// What stands behind a verdict is not what a run records.
    #[error("{what} {number} of {check} is none of a run: {source}")]
    Evidence {
        /// Exchange or delivery.
        what: String,
        number: usize,
        check: String,
        source: serde_json::Error,
    },
    /// What stands behind a verdict makes no chain of commands.
    #[error("{check}: {source}")]
    Chain { check: String, source: ChainError },
    #[error("the record is of format {format}, and {FORMAT} is the latest that this program reads")]
    Format { format: u32 },
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
            Event::Verdict(judged) => {
                let of_it = self.parts.iter().filter(|((check, _), _)| *check == judged.check);
                let from = of_it.map(|(_, part)| part.end).max().unwrap_or(0);
                let to = self.evidence.get(&judged.check).map_or(0, Vec::len);
                self.parts.insert((judged.check.clone(), judged.case), from..to);
                self.judged.push((**judged).clone());
            }
            // How far the cases are is for those who wait; what they came to is in their verdict.
            Event::Case { .. } => {}
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    /// Reads a record. A last line that was cut off in the middle is left out: the run was interrupted there. It is data,
    /// whoever sent it: chains of commands are made anew from the exchanges, and never taken from it.
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
                Ok(Event::RunStarted(started)) if started.format > FORMAT => {
                    return Err(RecordError::Format { format: started.format });
                }
                Ok(event) => record.take(&event),
                Err(error) if error.is_eof() && from.fill_buf()?.is_empty() => break,
                Err(source) => return Err(RecordError::Line { line, source }),
            }
        }
        if record.started.is_none() {
            return Err(RecordError::NoBeginning);
        }
        let made = |judged: &Judged| judged.curl.as_ref().and_then(|_| record.chain(judged).ok());
        let chains: Vec<Option<String>> = record.judged.iter().map(made).collect();
        for (judged, chain) in record.judged.iter_mut().zip(chains) {
            judged.curl = chain;
        }
        Ok(record)
    }

    /// The exchanges that stand behind a verdict.
    pub fn exchanges(&self, judged: &Judged) -> Result<Vec<RedactedExchange>, RecordError> {
        self.evidence_of(judged, "exchange")
    }

    /// The messages that stand behind a verdict.
    pub fn deliveries(&self, judged: &Judged) -> Result<Vec<RedactedMessage>, RecordError> {
        self.evidence_of(judged, "delivery")
    }

    /// The chain of curl commands that repeats what stands behind a verdict.
    pub fn chain(&self, judged: &Judged) -> Result<String, RecordError> {
        let chain = curl::chain(&self.exchanges(judged)?, &self.deliveries(judged)?);
        chain.map_err(|source| RecordError::Chain {
            check: judged.check.clone(),
            source,
        })
    }

    fn evidence_of<T: DeserializeOwned>(&self, judged: &Judged, what: &str) -> Result<Vec<T>, RecordError> {
        let part = self.parts.get(&(judged.check.clone(), judged.case));
        let events = self
            .evidence
            .get(&judged.check)
            .zip(part)
            .and_then(|(events, part)| events.get(part.clone()));
        let events = events.unwrap_or_default().iter().filter(|event| event["event"] == what);
        let read = |(number, event): (usize, &Value)| {
            T::deserialize(event).map_err(|source| RecordError::Evidence {
                what: what.to_owned(),
                number,
                check: judged.check.clone(),
                source,
            })
        };
        (1..).zip(events).map(read).collect()
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
    fn each_case_of_a_walk_has_its_own_exchanges_and_a_chain_is_never_taken_from_the_record() {
        let exchange = |path: &str| {
            format!(
                r#"{{"event":"exchange","check":"w","operation":null,"device":"d","source":null,"request":{{"method":"GET","url":"http://h/{path}","headers":[],"body":""}},"response":null,"started_ms":0,"took_ms":0}}"#
            )
        };
        let verdict = |case: u32| {
            format!(
                r#"{{"event":"verdict","check":"w","requirement":"R","level":"MUST","verdict":"failed","reason":null,"case":{case},"curl":"id","took_ms":0,"replay":""}}"#
            )
        };
        let (first, second) = (exchange("one"), exchange("two"));
        let text = [BEGINNING, &first, &second, &verdict(1), &second, &verdict(2)].join("\n");
        let record = Record::read(text.as_bytes()).unwrap();
        let asked = |judged: &Judged| {
            record
                .exchanges(judged)
                .unwrap()
                .into_iter()
                .map(|e| e.request.url)
                .collect::<Vec<_>>()
        };
        assert_eq!(asked(&record.judged[0]), ["http://h/one", "http://h/two"]);
        assert_eq!(asked(&record.judged[1]), ["http://h/two"]);
        let chain = record.judged[1].curl.as_ref().unwrap();
        assert!(chain.contains("'/two'") && !chain.lines().any(|line| line == "id"), "{chain}");
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
