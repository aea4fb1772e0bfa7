//! Which accounts belong to which party: one numbering over the whole storm, one party after another.

use std::ops::Range;

use super::schedule;
use crate::plan::scenario::{Scenario, ScenarioError};

/// The accounts of each party, in the order of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    by_party: Vec<Range<u64>>,
    total: u64,
}

impl Ranges {
    /// The ranges under a seed. Where a party says nothing, it has one account for each arrival; so that this also holds in each
    /// of `slices` parts, which take every `slices`th account, there are as many times that as the fullest part needs.
    pub fn of(scenario: &Scenario, seed: u64, slices: u32) -> Result<Self, ScenarioError> {
        let slices = slices.max(1);
        let own = |party: &crate::plan::scenario::Party| party.accounts.is_none() && party.accounts_of.is_none();
        let counted = match scenario.parties.iter().any(own) {
            true => schedule::count(scenario, seed, slices)?,
            false => vec![0; scenario.parties.len()],
        };
        let mut total = 0;
        let mut by_party = Vec::with_capacity(counted.len());
        for (party, counted) in scenario.parties.iter().zip(counted) {
            if party.accounts_of.is_some() {
                by_party.push(0..0);
                continue;
            }
            // Nobody coming at all still leaves accounts that others may share.
            let many = party.accounts.unwrap_or(counted.max(1) * u64::from(slices));
            by_party.push(total..total + many);
            total += many;
        }
        for (nth, party) in scenario.parties.iter().enumerate() {
            let Some(owner) = &party.accounts_of else { continue };
            let shared = scenario.parties.iter().position(|other| other.name == *owner);
            let shared = shared.map_or(0..0, |owner| by_party[owner].clone());
            let many = party.accounts.unwrap_or(u64::MAX).min(shared.end - shared.start);
            by_party[nth] = shared.start..shared.start + many;
        }
        Ok(Self { by_party, total })
    }

    /// All accounts there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The accounts of a party, which may be a part of another's.
    pub fn of_party(&self, party: u16) -> Range<u64> {
        self.by_party.get(usize::from(party)).cloned().unwrap_or(0..0)
    }
}
