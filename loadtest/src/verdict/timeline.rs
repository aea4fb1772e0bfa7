//! The storm second by second.

use std::collections::BTreeMap;

use super::legitimate;
use crate::measure::{Ending, Key, Series, percentiles};
use crate::plan::scenario::Scenario;
use crate::record::Second;

/// Rows of the heat map for each doubling of the time.
const ROWS_AN_OCTAVE: f64 = 4.0;

/// Every second from the first instant to the last in which anything was due or done.
pub fn timeline(scenario: &Scenario, series: &Series) -> Vec<Second> {
    let people = legitimate(scenario);
    let ended = series.ended(people);
    let attacks = series.ended(|party| !people(party));
    let Some(last) = series.last_second() else { return Vec::new() };
    (0..=last)
        .map(|at| {
            let none = BTreeMap::new();
            let ended = ended.get(&at).unwrap_or(&none);
            let of = |ending: Ending| ended.get(&ending).copied().unwrap_or_default();
            let due = at..at + 1;
            let offered = series.endings(due.clone(), |key| people(key.party));
            let completed = |key: &Key| people(key.party) && key.ending == Ending::Completed;
            let response = series.responses(due, completed);
            Second {
                at,
                offered: offered.values().sum(),
                completed: of(Ending::Completed),
                broken_off: ended.values().sum::<u64>() - of(Ending::Completed) - of(Ending::Abandoned),
                abandoned: of(Ending::Abandoned),
                attacks: attacks.get(&at).map(|counts| counts.values().sum()).unwrap_or_default(),
                response: percentiles(&response),
                heat: heat(&response),
            }
        })
        .collect()
}

/// Counts by logarithmic rows: upper bound in milliseconds, and how many.
fn heat(response: &hdrhistogram::Histogram<u64>) -> Vec<(f64, u64)> {
    let mut rows: BTreeMap<i64, u64> = BTreeMap::new();
    for value in response.iter_recorded() {
        let ms = (value.value_iterated_to() as f64 / 1000.0).max(0.001);
        *rows.entry((ms.log2() * ROWS_AN_OCTAVE).ceil() as i64).or_default() += value.count_since_last_iteration();
    }
    rows.into_iter()
        .map(|(row, count)| ((row as f64 / ROWS_AN_OCTAVE).exp2(), count))
        .collect()
}
