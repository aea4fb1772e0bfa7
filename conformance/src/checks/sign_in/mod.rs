//! Sign-in: what the password alone opens, and what must not lower the second step.
//!
//! - [`password`]: what the password alone opens and sends.
//! - [`handle`]: step two belongs to whoever holds the handle.
//! - [`hints`]: nothing a client says lowers the step.
//! - [`pathways`]: every way to a session asks for the step.
//! - [`challenge`]: how many challenges there may be, and what their answer tells.
//! - [`traces`], [`digests`]: a code that stands in an answer in disguise.

pub(crate) mod challenge;
mod digests;
pub(crate) mod handle;
pub(crate) mod hints;
pub(crate) mod password;
pub(crate) mod pathways;
mod traces;
