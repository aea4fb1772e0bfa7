//! Method: push first, email on request, the same rules for both, and only to those who may have the code.
//!
//! - [`choice`]: which method comes first, and that there always is one.
//! - [`switch`]: what a switch to email does to the code, the guesses and the sends.
//! - [`recipients`]: who gets a code, and who does not.

pub(crate) mod choice;
pub(crate) mod recipients;
pub(crate) mod switch;
