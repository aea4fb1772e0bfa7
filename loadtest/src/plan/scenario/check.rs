//! Whether a scenario can be run: everything that its types do not already refuse. Each fault says where, what, and what to do.

use std::collections::HashSet;

use super::check_class::classes;
use super::{Fault as Failure, Objective, Scenario, ScenarioError, Slo};
use crate::plan::arrivals::RateProfile;

/// The longest storm: a day, in seconds.
pub const MAX_SECONDS: f64 = 86_400.0;

/// The most arrivals that may be expected of one.
pub const MAX_ARRIVALS: f64 = 50_000_000.0;

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: the keys and numbers from the top of the file.
    pub place: Vec<Key>,
    pub what: String,
    pub hint: String,
}

/// One step on the way to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Name(&'static str),
    Nth(usize),
}

impl Fault {
    /// The place in words, such as `classes[1].arrivals.rate`.
    pub fn path(&self) -> String {
        self.place.iter().fold(String::new(), |path, key| match key {
            Key::Name(name) if path.is_empty() => (*name).to_owned(),
            Key::Name(name) => format!("{path}.{name}"),
            Key::Nth(nth) => format!("{path}[{nth}]"),
        })
    }

    fn error(&self) -> ScenarioError {
        ScenarioError::new(format!("{}: {}", self.path(), self.what)).hint(self.hint.clone())
    }
}

/// Whether it can be run.
pub fn sound(scenario: &Scenario) -> Result<(), ScenarioError> {
    match ScenarioError::first_of(faults(scenario).iter().map(Fault::error)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Everything wrong with it.
pub fn faults(scenario: &Scenario) -> Vec<Fault> {
    let mut found = Faults::default();
    let all = [];
    if scenario.name.trim().is_empty() {
        found.add(&all, "name", "is empty", "a storm has a name, such as `monday-morning`");
    }
    found.range(&all, "seconds", scenario.seconds, f64::MIN_POSITIVE, MAX_SECONDS);
    found.range(&all, "drain_s", scenario.drain_s, 0.0, MAX_SECONDS);
    if let Some(max_vus) = scenario.max_vus {
        found.range(&all, "max_vus", max_vus as f64, 1.0, 1_000_000.0);
    }
    let think = [Key::Name("think")];
    found.range(&think, "read_code_s", scenario.think.read_code_s, 0.0, 3600.0);
    found.range(&think, "spread", scenario.think.spread, 0.0, 3.0);
    classes(scenario, &mut found);
    events(scenario, &mut found);
    phases(scenario, &mut found);
    slo(&scenario.slo, scenario, &[Key::Name("slo")], &mut found);
    if found.0.is_empty() {
        expected(scenario, &mut found);
    }
    found.0
}

/// Everything wrong with the thresholds of a file of their own, for this scenario.
pub fn slo_faults(thresholds: &Slo, scenario: &Scenario) -> Vec<Fault> {
    let mut found = Faults::default();
    slo(thresholds, scenario, &[], &mut found);
    found.0
}

/// How many come, which also tells whether the recordings can be read.
fn expected(scenario: &Scenario, found: &mut Faults) {
    let mut sum = 0.0;
    for (nth, class) in scenario.classes.iter().enumerate() {
        let place = [Key::Name("classes"), Key::Nth(nth), Key::Name("arrivals")];
        match RateProfile::of(&class.arrivals, scenario) {
            Ok(profile) => sum += profile.expected(),
            Err(error) => {
                let place = [place.as_slice(), &[Key::Name("shape")]].concat();
                found.add(&place, "file", error.to_string(), error.help().unwrap_or_default());
            }
        }
    }
    if sum > MAX_ARRIVALS {
        let what = format!(
            "{:.0} million arrivals are to be expected, and 50 million are the most",
            sum / 1e6
        );
        found.add(
            &[],
            "classes",
            what,
            "lower rates, a shorter storm, or shards on several machines of a smaller one",
        );
    }
    if found.0.is_empty() && sum < 0.5 {
        let what = "nobody is to be expected".to_owned();
        found.add(&[], "classes", what, "higher rates or a longer storm");
    }
}

fn events(scenario: &Scenario, found: &mut Faults) {
    for (nth, event) in scenario.events.iter().enumerate() {
        let place = [Key::Name("events"), Key::Nth(nth)];
        found.range(&place, "from_s", event.from_s, 0.0, scenario.seconds);
        found.range(&place, "until_s", event.until_s, 0.0, scenario.seconds);
        if event.until_s <= event.from_s {
            let what = format!("the event ends at {} and begins at {}", event.until_s, event.from_s);
            found.add(&place, "until_s", what, "`until_s` comes after `from_s`");
        }
        if let Failure::PushSlowMs(ms) | Failure::EmailLateMs(ms) = event.fault {
            found.range(&place, "fault", ms as f64, 1.0, 3_600_000.0);
        }
    }
}

fn phases(scenario: &Scenario, found: &mut Faults) {
    let (mut names, mut last) = (HashSet::new(), None);
    for (nth, phase) in scenario.phases.iter().enumerate() {
        let place = [Key::Name("phases"), Key::Nth(nth)];
        if phase.name.trim().is_empty() || !names.insert(phase.name.as_str()) {
            let what = format!("there is another phase `{}`, or the name is empty", phase.name);
            found.add(
                &place,
                "name",
                what,
                "each phase has a name of its own, by which objectives speak of it",
            );
        }
        found.range(&place, "from_s", phase.from_s, 0.0, scenario.seconds);
        if last.is_some_and(|last| phase.from_s <= last) || phase.from_s >= scenario.seconds {
            let what = format!("phase `{}` begins at {}", phase.name, phase.from_s);
            found.add(
                &place,
                "from_s",
                what,
                "phases stand in order, each begins after the one before and before the storm's end",
            );
        }
        last = Some(phase.from_s);
    }
}

fn slo(slo: &Slo, scenario: &Scenario, top: &[Key], found: &mut Faults) {
    if let Some(drain) = slo.drain_s {
        found.range(top, "drain_s", drain, 0.0, MAX_SECONDS);
    }
    if let Some(collateral) = slo.collateral {
        found.range(top, "collateral", collateral, 0.0, 1.0);
    }
    for (nth, objective) in slo.objectives.iter().enumerate() {
        let place = [top, &[Key::Name("objectives"), Key::Nth(nth)]].concat();
        objective_faults(objective, scenario, &place, found);
    }
}

fn objective_faults(objective: &Objective, scenario: &Scenario, place: &[Key], found: &mut Faults) {
    let legitimate = || scenario.classes.iter().filter(|class| !class.attacker);
    if let Some(name) = &objective.class
        && !legitimate().any(|class| class.name == *name)
    {
        let known = legitimate().map(|class| class.name.as_str()).collect::<Vec<_>>().join(", ");
        let what = format!("there is no class `{name}` of legitimate people");
        found.add(place, "class", what, format!("those of this storm are: {known}"));
    }
    if let Some(flow) = objective.flow
        && !legitimate().any(|class| class.flow == flow)
    {
        let what = format!("no class of legitimate people walks `{}`", flow.name());
        found.add(place, "flow", what, "name a flow of this storm, or leave it out to mean all");
    }
    if let Some(name) = &objective.phase
        && !scenario.phases.iter().any(|phase| phase.name == *name)
    {
        let known = scenario
            .phases
            .iter()
            .map(|phase| phase.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let what = format!("there is no phase `{name}`");
        found.add(place, "phase", what, format!("those of this storm are: {known}"));
    }
    let times = [
        ("p50_ms", objective.p50_ms),
        ("p90_ms", objective.p90_ms),
        ("p99_ms", objective.p99_ms),
        ("p999_ms", objective.p999_ms),
    ];
    for (name, ms) in times.into_iter().filter_map(|(name, ms)| Some((name, ms?))) {
        found.range(place, name, ms, f64::MIN_POSITIVE, MAX_SECONDS * 1000.0);
    }
    if let Some(success) = objective.success {
        found.range(place, "success", success, 0.0, 1.0);
    }
    if times.iter().all(|(_, ms)| ms.is_none()) && objective.success.is_none() {
        let hint = "say what is promised: `p50_ms`, `p90_ms`, `p99_ms`, `p999_ms` or `success`";
        found.0.push(Fault {
            place: place.to_vec(),
            what: "this objective thresholds nothing".to_owned(),
            hint: hint.to_owned(),
        });
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, place: &[Key], name: &'static str, what: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Fault {
            place: [place, &[Key::Name(name)]].concat(),
            what: what.into(),
            hint: hint.into(),
        });
    }

    /// A number that is not within its bounds, which both belong to it.
    pub(super) fn range(&mut self, place: &[Key], name: &'static str, value: f64, least: f64, most: f64) {
        if (least..=most).contains(&value) {
            return;
        }
        let hint = match least {
            f64::MIN_POSITIVE => format!("a number above 0 and at most {most}"),
            least => format!("a number from {least} to {most}"),
        };
        self.add(place, name, format!("{value} is out of bounds"), hint);
    }
}
