//! When people come.

use std::time::Duration;

/// One who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the whole storm, from 0, in the order of time.
    pub nth: u64,
    /// When it is due, from the storm's first instant.
    pub at: Duration,
    /// The number of its party in the scenario.
    pub party: u16,
    /// Whose account: a number of the population.
    pub identity: u64,
}
