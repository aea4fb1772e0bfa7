//! Mutants of the area `method`.
//!
//! - [`choice`]: the wrong method, or none, or no step at all (METH-01, METH-02, METH-05).
//! - [`recipients`]: codes that go astray (METH-03, METH-07).
//! - [`switch`]: email as the weaker way (METH-04, METH-06).

pub(super) mod choice;
pub(super) mod recipients;
pub(super) mod switch;
