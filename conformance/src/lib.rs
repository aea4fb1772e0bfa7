//! Checks by area, state-machine properties, verdicts, reports and mutants.
//!
//! - [`check`]: what a check is.
//! - [`context`]: what a check works with: its own account, devices, seed and target.
//! - [`proof`]: how a check may pass: with evidence, and a refusal only beside an accepted twin.
//! - [`checks`]: the checks, one file an area.
//! - [`embedded`]: the reference server inside the process.
//! - [`provider`]: where checks get their target.
//! - [`spread`]: several instances as one target, and a ceiling on how often they are asked.
//! - [`select`]: which checks run.
//! - [`engine`]: runs them and tells events; prints nothing.
//! - [`events`], [`verdict`]: what it tells.
//! - [`report`]: what is made of it.
//! - [`walk`]: random sequences of steps, each answer compared with the abstract machine.

pub mod check;
pub mod checks;
pub mod context;
pub mod embedded;
pub mod engine;
pub mod events;
mod evidence;
pub mod proof;
pub mod provider;
pub mod report;
pub mod select;
pub mod spread;
pub mod verdict;
pub mod walk;
