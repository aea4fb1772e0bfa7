//! Checks by area, state-machine properties, verdicts, reports and known-bad servers.
//!
//! - [`check`]: what a check is.
//! - [`context`]: what a check works with: its own account, devices, seed and target.
//! - [`proof`]: how a check may pass: with evidence, and a refusal only beside an accepted twin.
//! - [`checks`]: the checks, one file an area.
//! - [`known_bad`]: the servers that each break one requirement, one file an area.

pub mod check;
pub mod checks;
pub mod context;
pub mod embedded;
pub mod known_bad;
pub mod proof;
