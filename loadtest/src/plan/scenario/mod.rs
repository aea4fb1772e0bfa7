//! A storm as a model: who comes, when, with what device, what they do, what fails meanwhile, and what is promised.
//!
//! - `model`: the words of it, as a file has them.
//! - [`mod@load`]: from a file, with what is wrong shown in it.
//! - [`check`], `check_party`: whether it can be run.
//! - `change`: the same storm larger or smaller, longer or shorter.
//! - [`library`]: the storms that come with the program.
//! - [`picture`]: a storm drawn in characters.

mod change;
pub mod check;
mod check_party;
mod error;
pub mod library;
pub mod load;
mod model;
pub mod picture;

pub use error::ScenarioError;
pub use load::{load, load_slo};
pub use model::{
    Arrivals, Connection, DeviceKind, Event, Fault, Jitter, Journey, Objective, Party, Phase, Retry, Scenario, Shape, Slo, Think,
};

#[cfg(test)]
mod tests;
