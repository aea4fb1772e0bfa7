//! The records of all slices become the record of the storm. Counts are added; percentiles are read anew from the merged interval logs,
//! because an average of percentiles is no percentile.

use std::fmt;

use crate::record::{Record, Slice};

use super::sum;

/// Slices that began further apart than this were not one storm.
const APART_S: f64 = 2.0;

/// The exact measurements beside a record: an interval log of histograms.
pub trait Mergeable: Sized {
    /// Adds the measurements of another slice.
    fn merge(&mut self, other: Self) -> anyhow::Result<()>;

    /// Sets every percentile of the record ([`crate::record::Clock`]) from the measurements: of the parties, their steps, the seconds and the deliveries.
    fn fill(&self, record: &mut Record);
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts tell")]
pub enum Refusal {
    #[error("there is nothing to merge")]
    Nothing,
    #[error("{}", Missing(.slices, *.of))]
    Missing { slices: Vec<u32>, of: u32 },
    #[error("slice {index} of {of} is there twice")]
    Twice { index: u32, of: u32 },
    #[error("run {run} is a whole storm, not a slice of one")]
    Whole { run: usize },
    #[error("slice {index} has another {what} than the first: {found} instead of {wanted}")]
    Differs {
        index: u32,
        what: &'static str,
        found: String,
        wanted: String,
    },
    #[error("slice {index} began {seconds:.1} s apart from the first: they were not one storm")]
    Apart { index: u32, seconds: f64 },
    #[error("the measurements do not go together: {0}")]
    Log(String),
}

impl Refusal {
    /// No verdict.
    pub const EXIT_CODE: u8 = 4;
}

struct Missing<'a>(&'a [u32], u32);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, index) in self.0.iter().enumerate() {
            let comma = if nth > 0 { ", " } else { "" };
            write!(f, "{comma}slice {index} of {} is missing", self.1)?;
        }
        Ok(())
    }
}

/// Makes one record of the records of all slices, with their measurements. The promises and the verdict are left as those of no storm:
/// whoever judges does so on what is returned.
pub fn merge<L: Mergeable>(runs: Vec<(Record, L)>) -> Result<(Record, L), Refusal> {
    check(runs.iter().map(|(record, _)| record))?;
    let mut runs = runs;
    runs.sort_by_key(|(record, _)| record.slice.map(|slice| slice.index));
    let (records, logs): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    let mut record = sum::records(records).ok_or(Refusal::Nothing)?;
    let mut logs = logs.into_iter();
    let mut log = logs.next().ok_or(Refusal::Nothing)?;
    for other in logs {
        log.merge(other).map_err(|error| Refusal::Log(format!("{error:#}")))?;
    }
    log.fill(&mut record);
    Ok((record, log))
}

/// Whether these are all the slices of one storm, each once.
pub fn check<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<(), Refusal> {
    let records: Vec<&Record> = records.into_iter().collect();
    let first = *records.first().ok_or(Refusal::Nothing)?;
    let mut found = Vec::new();
    for (run, record) in records.iter().enumerate() {
        let slice = record.slice.ok_or(Refusal::Whole { run })?;
        alike(first, record, slice)?;
        if found.contains(&slice.index) {
            return Err(Refusal::Twice {
                index: slice.index,
                of: slice.of,
            });
        }
        found.push(slice.index);
    }
    let of = first.slice.map_or(0, |slice| slice.of);
    let slices: Vec<u32> = (0..of).filter(|index| !found.contains(index)).collect();
    if slices.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Missing { slices, of })
    }
}

fn alike(first: &Record, record: &Record, slice: Slice) -> Result<(), Refusal> {
    let differs = |what, found: String, wanted: String| {
        Err(Refusal::Differs {
            index: slice.index,
            what,
            found,
            wanted,
        })
    };
    let of = first.slice.map_or(0, |slice| slice.of);
    if slice.of != of {
        return differs("number of slices", slice.of.to_string(), of.to_string());
    }
    if record.tool != first.tool {
        let told = |record: &Record| format!("{} {}", record.tool.name, record.tool.version);
        return differs("version", told(record), told(first));
    }
    if record.seed != first.seed {
        return differs("seed", record.seed.to_string(), first.seed.to_string());
    }
    if record.scenario != first.scenario {
        let told = |record: &Record| match record.scenario.name == first.scenario.name {
            true => format!("{} with other figures", record.scenario.name),
            false => record.scenario.name.clone(),
        };
        return differs("scenario", told(record), first.scenario.name.clone());
    }
    if record.target != first.target {
        let told = |record: &Record| format!("{} at {}", record.target.name, record.target.origin);
        return differs("target", told(record), told(first));
    }
    let seconds = apart(&first.started_at, &record.started_at);
    match seconds {
        Some(seconds) if seconds <= APART_S => Ok(()),
        Some(seconds) => Err(Refusal::Apart {
            index: slice.index,
            seconds,
        }),
        None => differs("beginning", record.started_at.clone(), first.started_at.clone()),
    }
}

fn apart(a: &str, b: &str) -> Option<f64> {
    let (a, b): (jiff::Timestamp, jiff::Timestamp) = (a.parse().ok()?, b.parse().ok()?);
    Some(a.duration_since(b).as_secs_f64().abs())
}
