//! A run as one JSON document: its beginning, every verdict, its end as it was counted, and where the record contradicts
//! itself.

use std::io::{self, Write};

use serde_json::json as value;
use targets::text::json;

use super::record::Record;

/// Writes the document.
pub fn write(record: &Record, mut to: impl Write) -> io::Result<()> {
    let document = value!({
        "run": record.started,
        "verdicts": record.ordered(),
        "end": record.end(),
        "interrupted": record.interrupted(),
        "contradictions": record.contradictions(),
    });
    let document = serde_json::to_string_pretty(&document)?;
    writeln!(to, "{}", json(&document))?;
    to.flush()
}
