//! Mutants of the area `attempts`.
//!
//! - [`codes`]: guesses at codes (ATT-01 to ATT-03).
//! - [`owner`]: guesses at passwords and per source address, and what they must not do to the owner (ATT-04 to ATT-06).
//! - [`limits`]: how a limit ends and what it tells (ATT-07 to ATT-09).
//! - [`secrets`]: one secret a request, in every place, under every spelling (ATT-10 to ATT-12).

pub(super) mod codes;
pub(super) mod limits;
pub(super) mod owner;
pub(super) mod secrets;
