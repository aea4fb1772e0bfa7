//! What shall happen: the scenario as a file, its arrivals and its population, all pure functions of a seed.

pub mod arrivals;
pub mod population;
pub mod scenario;
mod shard;
mod start;

pub use shard::Slice;
pub use start::{Start, TooLate};
