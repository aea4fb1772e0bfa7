//! The contract of sign-in with two-step verification, as data and as pure code. No I/O.
//!
//! - [`catalogue`](mod@catalogue): the numbered requirements, compiled in from `requirements.toml`.
//! - `explore` (feature `explore`): that machine, explored exhaustively.
//! - [`machine`]: what two-step verification means: state, operation, answer, invariants.
//! - [`meanings`]: what breaking a requirement means for a person, compiled in from `meanings.toml`.
//! - `openapi` (feature `openapi`): real answers checked against `openapi.yaml`.
//! - [`parameters`]: what a service declares about itself (lifetimes, limits), with defaults and bounds.
//! - [`profile`]: the three readings a verdict can be given under.

pub mod catalogue;
#[cfg(feature = "explore")]
pub mod explore;
pub mod machine;
pub mod meanings;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod parameters;
pub mod profile;

pub use catalogue::{Area, Level, Requirement, catalogue};
pub use parameters::{OutOfBound, Parameters};
pub use profile::Profile;
