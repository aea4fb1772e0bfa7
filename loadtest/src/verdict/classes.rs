//! The figures of each class.

use std::collections::BTreeMap;

use crate::measure::Attempts;
use crate::measure::RunData;
use crate::measure::{Clock, Ending, Key, Series, Step, percentiles};
use crate::plan::scenario::Scenario;
use crate::record::{ClassRecord, Funnel, StepRecord};

/// One record a class, in the order of the scenario.
pub fn class_records(scenario: &Scenario, data: &RunData) -> Vec<ClassRecord> {
    let series = &data.series;
    let numbered = (0u16..).zip(&scenario.classes);
    numbered
        .map(|(nth, class)| {
            let attempts = data.attempts.get(&nth).copied().unwrap_or_default();
            let flows = |clock, begun: bool| {
                let wanted = move |key: &Key| {
                    let never = matches!(key.ending, Ending::Abandoned | Ending::Interrupted);
                    key.class == nth && key.step == Step::Flow && key.clock == clock && !(begun && never)
                };
                percentiles(&series.total(wanted))
            };
            let completed = |key: &Key| key.class == nth && key.ending == Ending::Completed;
            ClassRecord {
                name: class.name.clone(),
                attacker: class.attacker,
                flow: class.flow,
                funnel: funnel(&series.endings(0..u32::MAX, |key| key.class == nth), attempts),
                response: percentiles(&series.responses(0..u32::MAX, completed)),
                service: flows(Clock::Service, true),
                scheduling_delay: flows(Clock::Lag, false),
                steps: steps(series, nth),
                complaints: complaints(data, nth),
            }
        })
        .collect()
}

/// Where the arrivals went, by how they ended.
fn funnel(endings: &BTreeMap<Ending, u64>, attempts: Attempts) -> Funnel {
    let of = |ending| endings.get(&ending).copied().unwrap_or_default();
    Funnel {
        offered: endings.values().sum(),
        started: attempts.first,
        attempts: attempts.all,
        completed: of(Ending::Completed),
        refused: of(Ending::Refused),
        limited: of(Ending::Limited),
        failed: of(Ending::Failed),
        unanswered: of(Ending::Unanswered),
        no_code: of(Ending::NoCode),
        abandoned: of(Ending::Abandoned),
        interrupted: of(Ending::Interrupted),
    }
}

fn steps(series: &Series, class: u16) -> Vec<StepRecord> {
    let steps = series.steps(class).into_iter().filter(|step| *step != Step::Flow);
    steps
        .map(|step| {
            let mine = |key: &Key| key.class == class && key.step == step && key.clock == Clock::Service;
            let ended = |ending| (ending, series.total(|key| mine(key) && key.ending == ending).len());
            StepRecord {
                step,
                endings: Ending::ALL.into_iter().map(ended).filter(|(_, count)| *count > 0).collect(),
                service: percentiles(&series.total(mine)),
            }
        })
        .collect()
}

fn complaints(data: &RunData, class: u16) -> Vec<String> {
    let mine = data.complaints.iter().filter(|(whose, _)| *whose == class);
    mine.map(|(_, what)| what.clone()).collect()
}
