//! Bindings: how to talk to an implementation that does not speak the reference API, told in a file instead of in code.
//!
//! - [`format`](mod@format): the file as it is written; `binding.schema.json` is made from it.
//! - [`load`](mod@load): from the file to a plan, or a diagnostic that points at the place.
//! - [`template`]: text with placeholders.
//! - [`engine`]: the target that a binding makes.
//! - [`launch`](mod@launch): starting the implementation.
//! - [`running`]: an implementation with the fakes that take its mail.
//! - [`doctor`](mod@doctor): whether the binding is right, before the server is judged.

mod diagnostic;
pub mod doctor;
pub mod engine;
mod extract;
pub mod format;
mod format_step;
pub mod launch;
mod load;
mod load_step;
mod matcher;
mod names;
mod plan;
pub mod running;
#[cfg(feature = "schema")]
pub mod schema;
mod steps;
pub mod template;

pub use diagnostic::BindingDiagnostic;
pub use doctor::{Finding, Health, doctor};
pub use engine::BoundTarget;
pub use launch::{LaunchError, Launched, launch};
pub use load::{load, parse};
pub use plan::{Binding, Launch};
pub use running::{Running, StartError};
