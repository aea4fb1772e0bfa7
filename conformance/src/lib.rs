//! Checks by area, state-machine properties, verdicts and reports.
//!
//! - [`check`]: what a check is.
//! - [`context`]: what a check works with: its own account, devices, seed and target.
//! - [`proof`]: how a check may pass: with evidence, and a refusal only beside an accepted twin.
//! - [`checks`]: the checks, one file an area.
//! - [`embedded`]: the reference server inside the process.
//! - [`target_pool`]: where checks get their target.
//! - [`round_robin`]: several instances as one target, and a ceiling on how often they are asked.
//! - [`select`]: which checks run.
//! - [`engine`]: runs them and tells events; prints nothing.
//! - [`events`], [`verdict`]: what it tells.
//! - [`report`]: what is made of it.
//! - [`model`]: random sequences of steps, each answer compared with the abstract machine.

#[macro_use]
mod forward;
#[macro_use]
pub mod check;
mod addresses;
pub mod checks;
pub mod context;
pub mod embedded;
pub mod engine;
pub mod events;
mod evidence;
pub mod model;
pub mod proof;
pub mod report;
pub mod round_robin;
pub mod select;
pub mod target_pool;
pub mod verdict;
