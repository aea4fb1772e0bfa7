//! Each promise about legitimate people, and how it was kept. What was not measured is not kept.

use std::ops::Range;

use super::legitimate;
use crate::measure::{Ending, Key, Series, percentiles};
use crate::plan::scenario::{Objective, Scenario};
use crate::record::{Attack, Promise};

/// All promises of a scenario, with what was found.
pub fn promises(scenario: &Scenario, series: &Series, drain_s: Option<f64>, attack: Option<&Attack>) -> Vec<Promise> {
    let mut all: Vec<Promise> = scenario
        .slo
        .objectives
        .iter()
        .flat_map(|objective| of(objective, scenario, series))
        .collect();
    if let Some(wanted) = scenario.slo.drain_s {
        all.push(at_most(format!("nobody waits {wanted} s after it is over"), wanted, drain_s));
    }
    if let Some(attack) = attack {
        let entered = attack.accounts_entered as f64;
        all.push(at_most("accounts entered by attackers".to_owned(), 0.0, Some(entered)));
        if let Some(wanted) = scenario.slo.collateral {
            let what = format!("legitimate arrivals refused or limited at most {}", part(wanted));
            all.push(at_most(what, wanted, Some(attack.collateral)));
        }
    }
    all
}

/// Seconds from the last arrival, or from the end of what failed last, to the moment when the last legitimate person was
/// through; `None` when somebody was not.
pub fn drain_s(scenario: &Scenario, series: &Series, last_due_s: f64, everybody_gone: bool) -> Option<f64> {
    let over = scenario.events.iter().map(|event| event.until_s).fold(last_due_s, f64::max);
    let ended = series.ended(legitimate(scenario));
    let (last, _) = ended.last_key_value()?;
    everybody_gone.then(|| (f64::from(*last) + 1.0 - over).max(0.0))
}

fn of(objective: &Objective, scenario: &Scenario, series: &Series) -> Vec<Promise> {
    let due = phase(objective.phase.as_deref(), scenario);
    let meant = |key: &Key| {
        let Some(party) = scenario.parties.get(usize::from(key.party)) else {
            return false;
        };
        !party.attacker
            && objective.party.as_ref().is_none_or(|name| *name == party.name)
            && objective.journey.is_none_or(|journey| journey == party.journey)
    };
    let whom = whom(objective);
    let completed = series.responses(due.clone(), |key| meant(key) && key.ending == Ending::Completed);
    let found = percentiles(&completed);
    let mut all = Vec::new();
    let limits = [
        ("p50", objective.p50_ms, found.p50_ms),
        ("p90", objective.p90_ms, found.p90_ms),
        ("p99", objective.p99_ms, found.p99_ms),
        ("p99.9", objective.p999_ms, found.p999_ms),
    ];
    for (name, wanted, found_ms) in limits {
        let Some(wanted) = wanted else { continue };
        let what = format!("{name} of the response time{whom} at most {wanted} ms");
        all.push(at_most(what, wanted, (found.count > 0).then_some(found_ms)));
    }
    if let Some(wanted) = objective.success {
        let endings = series.endings(due, meant);
        let offered: u64 = endings.values().sum();
        let completed = endings.get(&Ending::Completed).copied().unwrap_or_default();
        let found = (offered > 0).then(|| completed as f64 / offered as f64);
        all.push(Promise {
            what: format!("completed{whom} at least {}", part(wanted)),
            wanted,
            found,
            kept: found.is_some_and(|found| found >= wanted),
        });
    }
    all
}

fn at_most(what: String, wanted: f64, found: Option<f64>) -> Promise {
    Promise {
        what,
        wanted,
        found,
        kept: found.is_some_and(|found| found <= wanted),
    }
}

/// The seconds of a phase; all of them where none is named.
fn phase(name: Option<&str>, scenario: &Scenario) -> Range<u32> {
    let Some(name) = name else { return 0..u32::MAX };
    // A second belongs to the phase that it begins in.
    let whole = |seconds: f64| seconds.ceil().clamp(0.0, f64::from(u32::MAX)) as u32;
    let mut phases = scenario.phases.iter().skip_while(|phase| phase.name != name);
    let Some(from) = phases.next() else { return 0..0 };
    whole(from.from_s)..phases.next().map_or(u32::MAX, |next| whole(next.from_s))
}

fn whom(objective: &Objective) -> String {
    let mut whom = String::new();
    if let Some(party) = &objective.party {
        whom.push_str(&format!(" of {party}"));
    }
    if let Some(journey) = objective.journey {
        whom.push_str(&format!(" of {}", journey.name()));
    }
    if let Some(phase) = &objective.phase {
        whom.push_str(&format!(" in phase {phase}"));
    }
    whom
}

/// A part in percent.
fn part(part: f64) -> String {
    let percent = (part * 1e6).round() / 1e4;
    format!("{percent} %")
}
