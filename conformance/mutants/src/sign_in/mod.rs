//! Mutants of the area `sign-in`.
//!
//! - [`password`]: the password alone opens or sends too much.
//! - [`claims`]: what a client says of itself is believed.
//! - [`handle`]: step two is open to others than the holder of the handle.
//! - [`pathways`]: another way to a session forgets the step.
//! - [`challenge`]: how many challenges there are, and what their answer tells.

pub(super) mod challenge;
pub(super) mod claims;
pub(super) mod handle;
pub(super) mod password;
pub(super) mod pathways;
