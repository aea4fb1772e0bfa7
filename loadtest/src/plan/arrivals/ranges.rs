//! Which accounts belong to which class: one numbering over the whole storm, one class after another.

use std::ops::Range;

use super::schedule;
use crate::plan::scenario::{Scenario, ScenarioError};

/// The accounts of each class, in the order of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    by_class: Vec<Range<u64>>,
    total: u64,
}

impl Ranges {
    /// The ranges under a seed. Where a class says nothing, it has one account for each arrival; so that this also holds in each
    /// of `shards` parts, which take every `shards`th account, there are as many times that as the fullest part needs.
    pub fn of(scenario: &Scenario, seed: u64, shards: u32) -> Result<Self, ScenarioError> {
        let shards = shards.max(1);
        let own = |class: &crate::plan::scenario::UserClass| class.accounts.is_none() && class.accounts_of.is_none();
        let counted = match scenario.classes.iter().any(own) {
            true => schedule::count(scenario, seed, shards)?,
            false => vec![0; scenario.classes.len()],
        };
        let mut total = 0;
        let mut by_class = Vec::with_capacity(counted.len());
        for (class, counted) in scenario.classes.iter().zip(counted) {
            if class.accounts_of.is_some() {
                by_class.push(0..0);
                continue;
            }
            // Nobody coming at all still leaves accounts that others may share.
            let many = class.accounts.unwrap_or(counted.max(1) * u64::from(shards));
            by_class.push(total..total + many);
            total += many;
        }
        for (nth, class) in scenario.classes.iter().enumerate() {
            let Some(owner) = &class.accounts_of else { continue };
            let shared = scenario.classes.iter().position(|other| other.name == *owner);
            let shared = shared.map_or(0..0, |owner| by_class[owner].clone());
            let many = class.accounts.unwrap_or(u64::MAX).min(shared.end - shared.start);
            by_class[nth] = shared.start..shared.start + many;
        }
        Ok(Self { by_class, total })
    }

    /// All accounts there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The accounts of a class, which may be a part of another's.
    pub fn of_class(&self, class: u16) -> Range<u64> {
        self.by_class.get(usize::from(class)).cloned().unwrap_or(0..0)
    }
}
