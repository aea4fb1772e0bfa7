//! From what was measured to what it came to.
//!
//! - `thresholds`: each objective and how it was kept.
//! - `classes`, `timeline`: the figures of the record.
//! - `judge`: the one word at the end.
//! - [`limits`]: whether the generator was the limit.
//! - [`mod@capacity`]: the highest rate at which the promises are kept.
//! - [`mod@compare`]: two versions of a service under the same storms.

pub mod capacity;
mod classes;
pub mod compare;
mod judge;
pub mod limits;
mod thresholds;
mod timeline;

pub use classes::party_records;
pub use judge::verdict;
pub use thresholds::{drain_s, promises};
pub use timeline::timeline;

use crate::plan::scenario::Scenario;

/// Whether a party of the scenario is one of legitimate people.
fn legitimate(scenario: &Scenario) -> impl Fn(u16) -> bool + Copy + '_ {
    |party| scenario.parties.get(usize::from(party)).is_some_and(|party| !party.attacker)
}
