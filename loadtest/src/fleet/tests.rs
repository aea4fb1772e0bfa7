//! Three slices of one made-up storm, and the storm recorded as a whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use targets::{Channel, OperationKind};

use super::merge::{Part, Refusal, merge};
use crate::measure::Attempts;
use crate::measure::Gathered;
use crate::measure::{Clock, Ending, Sample, Series, Step, percentiles};
use crate::plan::Slice;
use crate::record::{Deliveries, Record, Safety};
use crate::report::fixture;
use crate::verdict::{party_records, promises, timeline, verdict};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What one recorder makes of the arrivals that are its own.
fn recorded(slice: Option<Slice>) -> Part {
    let model = fixture::storm(1, 1, 1.0);
    let parties = model.scenario.parties.len() as u64;
    let log = Shared::default();
    let mut series = Series::logging(Box::new(log.clone()), SystemTime::UNIX_EPOCH).unwrap();
    let mut attempts: BTreeMap<u16, Attempts> = BTreeMap::new();
    let mut deliveries = Deliveries::default();
    for nth in (0..600_u64).filter(|nth| slice.is_none_or(|slice| slice.has(*nth))) {
        let party = (nth % parties) as u16;
        let ending = if nth % 50 == 49 {
            Ending::Abandoned
        } else {
            Ending::Completed
        };
        let intended_us = nth * 3_000;
        let took_us = 5_000 + nth * nth * 7_919 % 1_700_000;
        let mut sample = Sample {
            party,
            step: Step::Journey,
            ending,
            intended_us,
            started_us: intended_us + nth % 900,
            done_us: intended_us + took_us,
            human_us: 0,
        };
        series.sample(&sample);
        for step in [
            Step::Exchange(OperationKind::SignIn),
            Step::Delivery(Channel::Push),
            Step::CodeAge,
        ] {
            (sample.step, sample.started_us) = (step, intended_us + took_us / 3);
            series.sample(&sample);
        }
        let sum = attempts.entry(party).or_default();
        (sum.first, sum.all) = (sum.first + 1, sum.all + 1 + nth % 2);
        deliveries.push += 1;
    }
    series.finish().unwrap();
    let of = |series: &Series, step| percentiles(&series.total(|key| key.step == step && key.clock == Clock::Service));
    deliveries.lag = of(&series, Step::Delivery(Channel::Push));
    deliveries.code_age = of(&series, Step::CodeAge);
    deliveries.sends_per_login = 1.0;
    let gathered = Gathered {
        series,
        complaints: Vec::new(),
        attempts,
        free_lag: crate::measure::histogram(),
        log_error: None,
    };
    let scenario = &model.scenario;
    let parties = party_records(scenario, &gathered);
    let promises = promises(scenario, &gathered.series, Some(2.0), model.attack.as_ref());
    let safety = Safety {
        accounts: 100,
        ..Safety::default()
    };
    let record = Record {
        slice,
        drain_s: Some(2.0),
        verdict: verdict(&parties, &promises, &safety, model.attack.as_ref(), &model.generator.limits),
        parties,
        seconds: timeline(scenario, &gathered.series),
        deliveries,
        safety,
        promises,
        ..model
    };
    let log = log.0.lock().unwrap().clone();
    Part { record, log }
}

fn slices(of: u32) -> Vec<Part> {
    (0..of).map(|index| recorded(Some(Slice { index, of }))).collect()
}

fn refused(parts: Vec<Part>) -> Refusal {
    merge(parts).err().expect("no verdict")
}

#[test]
fn the_slices_come_to_exactly_what_one_recorder_recorded() {
    let whole = recorded(None).record;
    let mut parts = slices(3);
    parts.rotate_left(1);
    let (merged, series) = merge(parts).unwrap();
    assert_eq!(merged.parties, whole.parties);
    assert_eq!(merged.seconds, whole.seconds);
    assert_eq!(merged.promises, whole.promises);
    assert_eq!(merged.deliveries, whole.deliveries);
    assert_eq!((merged.verdict, merged.slice), (whole.verdict, None));
    assert_eq!(series.endings(0..u32::MAX, |_| true).values().sum::<u64>(), 600);
    assert_eq!(merged.safety.accounts, 300);
}

#[test]
fn no_verdict_without_every_slice() {
    let mut parts = slices(3);
    parts.remove(1);
    assert_eq!(refused(parts).to_string(), "slice 1 of 3 is missing");
    assert_eq!(
        refused(slices(4).split_off(3)).to_string(),
        "slice 0 of 4 is missing, slice 1 of 4 is missing, slice 2 of 4 is missing"
    );
    let mut parts = slices(2);
    parts.push(parts[0].clone());
    assert_eq!(refused(parts), Refusal::Twice { index: 0, of: 2 });
    assert_eq!(refused(vec![]), Refusal::Nothing);
    assert_eq!(refused(vec![recorded(None)]), Refusal::Whole { run: 0 });
}

#[test]
fn slices_of_different_storms_are_not_one() {
    type Change = fn(&mut Record);
    let changes: [(Change, &str); 7] = [
        (|record| record.seed += 1, "another seed"),
        (|record| record.scenario.seconds += 1.0, "another scenario"),
        (|record| record.scenario.name.push('2'), "another scenario"),
        (|record| record.tool.version.push('1'), "another version"),
        (|record| record.target.origin.push('1'), "another target"),
        (
            |record| record.slice = Some(Slice { index: 1, of: 3 }),
            "another number of slices",
        ),
        (
            |record| record.started_at = "2001-01-01T00:00:00Z".to_owned(),
            "apart from the first",
        ),
    ];
    let unchanged = slices(2);
    for (change, told) in changes {
        let mut parts = unchanged.clone();
        change(&mut parts[1].record);
        let refusal = refused(parts).to_string();
        assert!(refusal.starts_with("slice 1 ") && refusal.contains(told), "{refusal}");
    }
}

#[test]
fn a_log_that_is_not_whole_is_refused_even_if_it_can_be_read() {
    let mut parts = slices(2);
    let text = String::from_utf8(parts[1].log.clone()).unwrap();
    let without_the_last_line = &text[..=text.trim_end().rfind('\n').unwrap()];
    parts[1].log = without_the_last_line.as_bytes().to_vec();
    let refusal = refused(parts).to_string();
    assert!(refusal.starts_with("the log of slice 1 is not whole: it holds "), "{refusal}");

    let mut parts = slices(2);
    let half = parts[0].log.len() / 2;
    parts[0].log.truncate(half);
    assert!(refused(parts).to_string().starts_with("the log of slice 0 is not whole"));
}

#[test]
fn limits_are_told_by_slice_and_the_worst_lag_counts() {
    let mut parts = slices(2);
    for (nth, part) in parts.iter_mut().enumerate() {
        part.record.generator.limits = vec!["out of ports".to_owned()];
        part.record.generator.schedule_lag_p99_ms = 3.0 - nth as f64;
        part.record.drain_s = (nth == 0).then_some(2.0);
    }
    let (merged, _) = merge(parts).unwrap();
    assert_eq!(
        merged.generator.limits,
        ["slice 0/2: out of ports", "slice 1/2: out of ports"]
    );
    assert_eq!((merged.generator.schedule_lag_p99_ms, merged.drain_s), (3.0, None));
}

#[test]
fn a_run_s_directory_is_read_and_one_that_is_none_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let told = |dir: &std::path::Path| format!("{:#}", Part::read(dir).err().unwrap());
    assert!(told(dir.path()).contains("is it a run's directory?"));
    let part = recorded(Some(Slice { index: 0, of: 1 }));
    std::fs::write(dir.path().join("record.json"), "{}").unwrap();
    assert!(told(dir.path()).contains("is no record of a storm"));
    std::fs::write(dir.path().join("record.json"), serde_json::to_vec(&part.record).unwrap()).unwrap();
    assert!(told(dir.path()).contains("storm.hlog cannot be read"));
    std::fs::write(dir.path().join("storm.hlog"), &part.log).unwrap();
    let read = Part::read(dir.path()).unwrap();
    assert_eq!(merge(vec![read]).unwrap().0.parties, part.record.parties);
}

#[test]
fn the_indexed_job_says_the_number_of_slices_the_same_three_times() {
    let job: yaml_serde::Value = yaml_serde::from_str(include_str!("../../kubernetes/indexed-job.yaml")).unwrap();
    let spec = &job["spec"];
    let of = spec["completions"].as_u64().unwrap();
    assert_eq!(
        (spec["parallelism"].as_u64(), spec["completionMode"].as_str()),
        (Some(of), Some("Indexed"))
    );
    let arguments = spec["template"]["spec"]["containers"][0]["args"].as_sequence().unwrap();
    let value = |name: &str| {
        arguments
            .iter()
            .find_map(|argument| argument.as_str()?.strip_prefix(name))
            .unwrap()
    };
    for index in 0..of {
        let slice = value("--slice=").replace("$(JOB_COMPLETION_INDEX)", &index.to_string());
        let of = of as u32;
        assert_eq!(slice.parse(), Ok(Slice { index: index as u32, of }));
    }
    assert_eq!(value("--start-at="), "START_AT", "what the command in its comment replaces");
}
