//! From what was measured to what it came to.
//!
//! - `thresholds`: each objective and how it was kept.
//! - `classes`, `timeline`: the figures of the record.
//! - `judge`: the one word at the end.
//! - [`limits`]: whether the generator was the limit.
//! - [`mod@capacity`]: the highest rate at which the thresholds are kept.
//! - [`mod@compare`]: two versions of a service under the same storms.

pub mod capacity;
mod classes;
pub mod compare;
mod judge;
pub mod limits;
mod thresholds;
mod timeline;

pub use classes::class_records;
pub use judge::verdict;
pub use thresholds::{drain_s, thresholds};
pub use timeline::timeline;

use crate::plan::scenario::Scenario;

/// Whether a class of the scenario is one of legitimate people.
fn legitimate(scenario: &Scenario) -> impl Fn(u16) -> bool + Copy + '_ {
    |class| scenario.classes.get(usize::from(class)).is_some_and(|class| !class.attacker)
}
