//! When people come: a pure function of a seed and a scenario. The same seed gives the same storm, so that two runs can be compared
//! arrival by arrival, and several workers can each make their own part of one storm.
//!
//! - `schedule`: everybody in order of time, one by one.
//! - `ranges`: which accounts belong to which party.
//! - `course`: how a party's rate moves.
//! - `stream`: one party's instants: random, even or as recorded.
//! - `replay`: recordings, from CSV files.
//! - `shuffle`, `dice`: a shuffled order and random numbers, without memory and the same everywhere.

mod course;
pub(crate) mod dice;
mod ranges;
mod replay;
mod schedule;
pub(crate) mod shuffle;
mod stream;

pub use course::Course;
pub use ranges::Ranges;
pub use schedule::{Arrival, Schedule};

#[cfg(test)]
mod tests;
