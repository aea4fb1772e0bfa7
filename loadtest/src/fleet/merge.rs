//! The records of all slices become the record of the storm. Counts are added; percentiles, promises and the verdict are worked out anew
//! from the merged interval logs, because an average of percentiles is no percentile.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;

use super::sum;
use crate::measure::Gathered;
use crate::measure::{Clock, Key, Series, Step, histogram, percentiles, read};
use crate::plan::Slice;
use crate::record::{LOG, RECORD, Record};
use crate::verdict::{party_records, promises, timeline, verdict};

/// Slices that began further apart than this were not one storm.
const APART_S: f64 = 2.0;

/// One slice: its record, and the log beside it.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it came to.
    pub record: Record,
    /// Everything it measured.
    pub log: Vec<u8>,
}

impl Part {
    /// Reads a run's directory.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(RECORD);
        let text =
            std::fs::read(&path).with_context(|| format!("{} cannot be read: is it a run's directory?", path.display()))?;
        let record = serde_json::from_slice(&text).with_context(|| format!("{} is no record of a storm", path.display()))?;
        let path = dir.join(LOG);
        let log = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self { record, log })
    }
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
    #[error("the log of slice {index} is not whole: {why}")]
    Log { index: u32, why: String },
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

/// Makes one record of those of all slices, judged as one storm. The series are all samples, for the reports that want more.
pub fn merge(mut parts: Vec<Part>) -> Result<(Record, Series), Refusal> {
    check(parts.iter().map(|part| &part.record))?;
    parts.sort_by_key(|part| part.record.slice.map(|slice| slice.index));
    let mut series = Series::default();
    for part in &parts {
        absorb(&mut series, part)?;
    }
    let records: Vec<Record> = parts.into_iter().map(|part| part.record).collect();
    let mut record = sum::records(&records).ok_or(Refusal::Nothing)?;
    let gathered = Gathered {
        series,
        complaints: sum::complaints(&records),
        attempts: sum::attempts(&records),
        free_lag: histogram(),
        log_error: None,
    };
    record.parties = party_records(&record.scenario, &gathered);
    let series = gathered.series;
    record.seconds = timeline(&record.scenario, &series);
    let of = |wanted: fn(Step) -> bool| percentiles(&series.total(|key| wanted(key.step) && key.clock == Clock::Service));
    record.deliveries.lag = of(|step| matches!(step, Step::Delivery(_)));
    record.deliveries.code_age = of(|step| step == Step::CodeAge);
    let attack = record.attack.as_ref();
    record.promises = promises(&record.scenario, &series, record.drain_s, attack);
    record.verdict = verdict(
        &record.parties,
        &record.promises,
        &record.safety,
        attack,
        &record.generator.limits,
    );
    Ok((record, series))
}

/// Adds a log to what is there. A log that was cut off between two lines reads well, and has fewer arrivals than its record.
fn absorb(series: &mut Series, part: &Part) -> Result<(), Refusal> {
    let index = part.record.slice.map_or(0, |slice| slice.index);
    let mut arrivals = 0;
    for interval in read(&part.log) {
        let interval = interval.map_err(|error| Refusal::Log {
            index,
            why: error.to_string(),
        })?;
        if is_arrival(&interval.key) {
            arrivals += interval.times.len();
        }
        series.absorb(&interval);
    }
    let recorded: u64 = part.record.parties.iter().map(|party| party.funnel.offered).sum();
    if arrivals != recorded {
        return Err(Refusal::Log {
            index,
            why: format!("it holds {arrivals} arrivals, and its record {recorded}"),
        });
    }
    Ok(())
}

fn is_arrival(key: &Key) -> bool {
    key.step == Step::Journey && key.clock == Clock::Response
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
    let moment = |text| chrono::DateTime::parse_from_rfc3339(text).ok();
    Some((moment(a)? - moment(b)?).as_seconds_f64().abs())
}
