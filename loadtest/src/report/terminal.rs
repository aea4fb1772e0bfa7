//! A record for a person at a terminal.

use crate::record::Record;
use crate::report::words;

/// The record in at most a hundred columns; `colour` decides whether there is any.
pub fn told(record: &Record, _colour: bool) -> String {
    let (word, why) = words::verdict(record);
    format!("{}: {word}: {why}\n", record.scenario.name)
}
