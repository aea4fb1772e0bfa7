//! What is known about a run and its checks before anything was done.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use specs::{Level, Parameters, Profile};
use targets::{Capability, ClockMode, Target};

use super::Config;
use crate::check::Check;
use crate::events::{Event, FORMAT, Judged, RunStarted, Tool};
use crate::select::BOUNDS;
use crate::target_pool::TargetPool;
use crate::verdict::Verdict;

impl Config {
    /// The verdict on a check, before there is one.
    pub(super) fn judged(&self, check: &Check) -> Judged {
        self.judged_as(check.id, check.requirement())
    }

    /// The same for what goes by this name and judges this requirement.
    pub(super) fn judged_as(&self, name: &str, requirement: &str) -> Judged {
        Judged {
            check: name.to_owned(),
            requirement: requirement.to_owned(),
            level: level_of(requirement, self.profile).to_string(),
            replay: format!("{} --only {name} --seed {}", self.replay, self.seed),
            ..Judged::default()
        }
    }

    pub(super) fn check_started(&self, check: &Check) -> Event {
        Event::CheckStarted {
            check: check.id.to_owned(),
            requirements: vec![check.requirement().to_owned()],
            title: check.title.to_owned(),
        }
    }

    /// A verdict for each declared value that is outside its bound, or one that none is.
    pub(super) fn judged_bounds(&self, parameters: &Parameters) -> Vec<Judged> {
        if !self.bounds {
            return Vec::new();
        }
        let broken: Vec<Judged> = parameters
            .out_of_bounds(self.profile)
            .iter()
            .map(|found| {
                let mut judged = self.judged_as(BOUNDS, BOUNDS);
                judged.check = format!("{BOUNDS}.{}", found.parameter.replace('_', "-"));
                judged.level = found.level.to_string();
                judged.expected = Some(format!("{}: {} ({})", found.parameter, found.bound, found.source));
                judged.seen = Some(format!("{} is declared", found.value));
                let verdict = if found.level == Level::Should {
                    Verdict::Warned
                } else {
                    Verdict::Failed
                };
                judged.with(verdict, found.to_string())
            })
            .collect();
        if broken.is_empty() {
            let mut judged = self.judged_as(BOUNDS, BOUNDS);
            judged.check = format!("{BOUNDS}.within-bounds");
            judged.verdict = Verdict::Passed;
            return vec![judged];
        }
        broken
    }

    pub(super) fn run_started(&self, pool: &dyn TargetPool, target: &dyn Target) -> RunStarted {
        RunStarted {
            format: FORMAT,
            at: now(),
            tool: Tool {
                name: "stepproof".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            target: pool.info(),
            profile: self.profile.to_string(),
            seed: self.seed,
            clock: match target.clock() {
                ClockMode::Controlled => "controlled",
                ClockMode::Waiting { .. } => "waiting",
                ClockMode::None => "none",
            }
            .to_owned(),
            parameters: serde_json::to_value(target.parameters()).unwrap_or_default(),
            capabilities: Capability::ALL
                .iter()
                .filter(|capability| target.has(**capability))
                .map(|capability| capability.name().to_owned())
                .collect(),
            selected: self.checks.len(),
        }
    }
}

/// How strongly a requirement binds; what is no requirement of the catalogue binds fully.
pub(super) fn level_of(requirement: &str, profile: Profile) -> Level {
    specs::catalogue::requirement(requirement).map_or(Level::Must, |requirement| requirement.level_in(profile))
}

/// The real time, to the millisecond.
pub(super) fn now() -> String {
    DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true)
}
