//! From what was measured to what it came to.
//!
//! - `promises`: each objective and how it was kept.
//! - `parties`, `timeline`: the figures of the record.
//! - `verdict`: the one word at the end.

mod parties;
mod promises;
mod timeline;
mod verdict;

pub use parties::party_records;
pub use promises::{drain_s, promises};
pub use timeline::timeline;
pub use verdict::verdict;

use crate::scenario::Scenario;

/// Whether a party of the scenario is one of legitimate people.
fn legitimate(scenario: &Scenario) -> impl Fn(u16) -> bool + Copy + '_ {
    |party| scenario.parties.get(usize::from(party)).is_some_and(|party| !party.attacker)
}
