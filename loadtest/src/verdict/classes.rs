//! The figures of each party.

use std::collections::BTreeMap;

use crate::measure::Attempts;
use crate::measure::Gathered;
use crate::measure::{Clock, Ending, Key, Series, Step, percentiles};
use crate::plan::scenario::Scenario;
use crate::record::{Funnel, PartyRecord, StepRecord};

/// One record a party, in the order of the scenario.
pub fn party_records(scenario: &Scenario, gathered: &Gathered) -> Vec<PartyRecord> {
    let series = &gathered.series;
    let numbered = (0u16..).zip(&scenario.parties);
    numbered
        .map(|(nth, party)| {
            let attempts = gathered.attempts.get(&nth).copied().unwrap_or_default();
            let journeys = |clock, begun: bool| {
                let wanted = move |key: &Key| {
                    let never = matches!(key.ending, Ending::Abandoned | Ending::Interrupted);
                    key.party == nth && key.step == Step::Journey && key.clock == clock && !(begun && never)
                };
                percentiles(&series.total(wanted))
            };
            let completed = |key: &Key| key.party == nth && key.ending == Ending::Completed;
            PartyRecord {
                name: party.name.clone(),
                attacker: party.attacker,
                journey: party.journey,
                funnel: funnel(&series.endings(0..u32::MAX, |key| key.party == nth), attempts),
                response: percentiles(&series.responses(0..u32::MAX, completed)),
                service: journeys(Clock::Service, true),
                lag: journeys(Clock::Lag, false),
                steps: steps(series, nth),
                complaints: complaints(gathered, nth),
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

fn steps(series: &Series, party: u16) -> Vec<StepRecord> {
    let steps = series.steps(party).into_iter().filter(|step| *step != Step::Journey);
    steps
        .map(|step| {
            let mine = |key: &Key| key.party == party && key.step == step && key.clock == Clock::Service;
            let ended = |ending| (ending, series.total(|key| mine(key) && key.ending == ending).len());
            StepRecord {
                step,
                endings: Ending::ALL.into_iter().map(ended).filter(|(_, count)| *count > 0).collect(),
                service: percentiles(&series.total(mine)),
            }
        })
        .collect()
}

fn complaints(gathered: &Gathered, party: u16) -> Vec<String> {
    let mine = gathered.complaints.iter().filter(|(whose, _)| *whose == party);
    mine.map(|(_, what)| what.clone()).collect()
}
