//! The record of a run: one event a line, each line out before the next event.

use std::io::{self, Write};

use crate::events::Event;

/// Writes the record.
#[derive(Debug)]
pub struct Ndjson<W: Write> {
    to: W,
}

impl<W: Write> Ndjson<W> {
    /// Into this file.
    pub fn new(to: W) -> Self {
        Self { to }
    }

    /// Writes one event and hands it on to the system, so that a run that is killed leaves what it told.
    pub fn take(&mut self, event: &Event) -> io::Result<()> {
        let mut line = event.line();
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        self.to.flush()
    }
}
