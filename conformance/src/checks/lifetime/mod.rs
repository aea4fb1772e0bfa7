//! Lifetime: a code dies at its time, at its use, and with the state of the account it was issued under.
//!
//! - [`expiry`]: the declared lifetime, and the end of the whole challenge.
//! - [`once`]: a code is good for one use, a wrong guess for none.
//! - [`changes`]: what the owner changes ends what is pending.

pub(crate) mod changes;
pub(crate) mod expiry;
pub(crate) mod once;
