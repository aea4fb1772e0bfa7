//! The contract of sign-in with two-step verification, as data and as pure code. No I/O.
//!
//! - [`catalogue`](mod@catalogue): the numbered requirements, compiled in from `requirements.toml`.
//! - [`channel`]: how a code travels.
//! - `explore` (feature `explore`): the machine below, explored exhaustively.
//! - [`impact`]: what breaking a requirement means for a person, compiled in from `impact.toml`.
//! - [`machine`]: what two-step verification means: state, operation, answer, invariants.
//! - `openapi` (feature `openapi`): real answers checked against `openapi.yaml`.
//! - [`parameters`]: what a service declares about itself (lifetimes, limits), with defaults and bounds.
//! - [`profile`]: the three readings a verdict can be given under.

pub mod catalogue;
pub mod channel;
#[cfg(feature = "explore")]
pub mod explore;
pub mod impact;
pub mod machine;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod parameters;
pub mod profile;

pub use catalogue::{Area, Level, Requirement, catalogue};
pub use channel::Channel;
pub use parameters::{OutOfBound, Parameters};
pub use profile::Profile;
