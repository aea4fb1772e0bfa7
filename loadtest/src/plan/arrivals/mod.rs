//! When people come: a pure function of a seed and a scenario. The same seed gives the same storm, so that two runs can be compared
//! arrival by arrival, and several workers can each make their own part of one storm.
//!
//! - `schedule`: everybody in order of time, one by one.
//! - `ranges`: which accounts belong to which class.
//! - `profile`: how a class's rate moves.
//! - `stream`: one class's instants: random, even or as recorded.
//! - `replay`: recordings, from CSV files.
//! - `shuffle`, `dice`: a shuffled order and random numbers, without memory and the same everywhere.

pub(crate) mod dice;
mod ranges;
mod rate_profile;
mod replay;
mod schedule;
pub(crate) mod shuffle;
mod stream;

pub use ranges::Ranges;
pub use rate_profile::RateProfile;
pub use schedule::{Arrival, Schedule};

#[cfg(test)]
mod tests;
