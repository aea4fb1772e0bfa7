//! Reports: each is made from the events of a run, live or from its record.
//!
//! - [`record`]: a run as its events tell it, also read back from `run.ndjson`.
//! - [`totals`]: what the verdicts come to, counted, and where a record contradicts itself.
//! - `texts`: a record whose texts are safe to show.
//! - [`ndjson`]: the record itself, line by line.
//! - [`junit`], [`json`]: for machines.
//! - [`text`]: for people.

pub mod json;
pub mod junit;
pub mod ndjson;
pub mod record;
pub mod text;
mod texts;
pub mod totals;
