//! A run as one JSON document: its beginning, every verdict, its end.

use std::io::{self, Write};

use serde_json::json;

use super::record::Record;

/// Writes the document.
pub fn write(record: &Record, mut to: impl Write) -> io::Result<()> {
    let document = json!({
        "run": record.started,
        "verdicts": record.ordered(),
        "end": record.finished,
        "interrupted": record.interrupted(),
    });
    serde_json::to_writer_pretty(&mut to, &document)?;
    to.write_all(b"\n")?;
    to.flush()
}
