//! The records of all shards become the record of the storm. Counts are added; percentiles, thresholds and the verdict are worked out anew
//! from the merged interval logs, because an average of percentiles is no percentile.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;

use super::sum;
use crate::measure::RunData;
use crate::measure::{Clock, Key, Series, Step, histogram, percentiles, read};
use crate::plan::Shard;
use crate::record::{LOG, RECORD, Record};
use crate::verdict::{class_records, thresholds, timeline, verdict};

/// Slices that began further apart than this were not one storm.
const APART_S: f64 = 2.0;

/// One shard: its record, and the log beside it.
#[derive(Clone, Debug)]
pub struct Part {
    pub record: Record,
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
pub enum Refusal {
    #[error("there is nothing to merge")]
    Nothing,
    #[error("{}", Missing(.shards, *.of))]
    Missing { shards: Vec<u32>, of: u32 },
    #[error("shard {index} of {of} is there twice")]
    Twice { index: u32, of: u32 },
    #[error("run {run} is a whole storm, not a shard of one")]
    Whole { run: usize },
    #[error("shard {index} has another {what} than the first: {found} instead of {wanted}")]
    Differs {
        index: u32,
        what: &'static str,
        found: String,
        wanted: String,
    },
    #[error("shard {index} began {seconds:.1} s apart from the first: they were not one storm")]
    Apart { index: u32, seconds: f64 },
    #[error("the log of shard {index} is not whole: {why}")]
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
            write!(f, "{comma}shard {index} of {} is missing", self.1)?;
        }
        Ok(())
    }
}

/// Makes one record of those of all shards, judged as one storm. The series are all samples, for the reports that want more.
pub fn merge(mut parts: Vec<Part>) -> Result<(Record, Series), Refusal> {
    check(parts.iter().map(|part| &part.record))?;
    parts.sort_by_key(|part| part.record.shard.map(|shard| shard.index));
    let mut series = Series::default();
    for part in &parts {
        absorb(&mut series, part)?;
    }
    let records: Vec<Record> = parts.into_iter().map(|part| part.record).collect();
    let mut record = sum::records(&records).ok_or(Refusal::Nothing)?;
    let data = RunData {
        series,
        complaints: sum::complaints(&records),
        attempts: sum::attempts(&records),
        scheduling_delay: histogram(),
        log_error: None,
    };
    record.classes = class_records(&record.scenario, &data);
    let series = data.series;
    record.seconds = timeline(&record.scenario, &series);
    let of = |wanted: fn(Step) -> bool| percentiles(&series.total(|key| wanted(key.step) && key.clock == Clock::Service));
    record.deliveries.lag = of(|step| matches!(step, Step::Delivery(_)));
    record.deliveries.code_age = of(|step| step == Step::CodeAge);
    let attack = record.attack.as_ref();
    record.thresholds = thresholds(&record.scenario, &series, record.drain_s, attack);
    record.verdict = verdict(
        &record.classes,
        &record.thresholds,
        &record.safety,
        attack,
        &record.generator.limits,
    );
    Ok((record, series))
}

/// Adds a log to what is there. A log that was cut off between two lines reads well, and has fewer arrivals than its record.
fn absorb(series: &mut Series, part: &Part) -> Result<(), Refusal> {
    let index = part.record.shard.map_or(0, |shard| shard.index);
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
    let recorded: u64 = part.record.classes.iter().map(|class| class.funnel.offered).sum();
    if arrivals != recorded {
        return Err(Refusal::Log {
            index,
            why: format!("it holds {arrivals} arrivals, and its record {recorded}"),
        });
    }
    Ok(())
}

fn is_arrival(key: &Key) -> bool {
    key.step == Step::Flow && key.clock == Clock::Response
}

/// Whether these are all the shards of one storm, each once.
pub fn check<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<(), Refusal> {
    let records: Vec<&Record> = records.into_iter().collect();
    let first = *records.first().ok_or(Refusal::Nothing)?;
    let mut found = Vec::new();
    for (run, record) in records.iter().enumerate() {
        let shard = record.shard.ok_or(Refusal::Whole { run })?;
        alike(first, record, shard)?;
        if found.contains(&shard.index) {
            return Err(Refusal::Twice {
                index: shard.index,
                of: shard.of,
            });
        }
        found.push(shard.index);
    }
    let of = first.shard.map_or(0, |shard| shard.of);
    let shards: Vec<u32> = (0..of).filter(|index| !found.contains(index)).collect();
    if shards.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Missing { shards, of })
    }
}

fn alike(first: &Record, record: &Record, shard: Shard) -> Result<(), Refusal> {
    let differs = |what, found: String, wanted: String| {
        Err(Refusal::Differs {
            index: shard.index,
            what,
            found,
            wanted,
        })
    };
    let of = first.shard.map_or(0, |shard| shard.of);
    if shard.of != of {
        return differs("number of shards", shard.of.to_string(), of.to_string());
    }
    if record.tool != first.tool {
        let rendered = |record: &Record| format!("{} {}", record.tool.name, record.tool.version);
        return differs("version", rendered(record), rendered(first));
    }
    if record.seed != first.seed {
        return differs("seed", record.seed.to_string(), first.seed.to_string());
    }
    if record.scenario != first.scenario {
        let rendered = |record: &Record| match record.scenario.name == first.scenario.name {
            true => format!("{} with other figures", record.scenario.name),
            false => record.scenario.name.clone(),
        };
        return differs("scenario", rendered(record), first.scenario.name.clone());
    }
    if record.target != first.target {
        let rendered = |record: &Record| format!("{} at {}", record.target.name, record.target.origin);
        return differs("target", rendered(record), rendered(first));
    }
    let seconds = apart(&first.started_at, &record.started_at);
    match seconds {
        Some(seconds) if seconds <= APART_S => Ok(()),
        Some(seconds) => Err(Refusal::Apart {
            index: shard.index,
            seconds,
        }),
        None => differs("beginning", record.started_at.clone(), first.started_at.clone()),
    }
}

fn apart(a: &str, b: &str) -> Option<f64> {
    let moment = |text| chrono::DateTime::parse_from_rfc3339(text).ok();
    Some((moment(a)? - moment(b)?).as_seconds_f64().abs())
}
