//! Mutants of the area `trusted-device`.
//!
//! - [`trust`]: granting, recognising and lapsing (DEV-01 to DEV-04, DEV-06, DEV-07).
//! - [`credentials`]: one credential for another, or half a one (DEV-05).
//! - [`list`]: the device list and its labels (DEV-08, DEV-13).
//! - [`removal`]: what outlives a removal, and what should have (DEV-09 to DEV-12).

pub(super) mod credentials;
pub(super) mod list;
pub(super) mod removal;
pub(super) mod trust;
