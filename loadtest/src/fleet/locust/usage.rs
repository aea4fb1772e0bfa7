//! What this process takes of the machine, for the master's page.

use std::time::Instant;

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;
const PAGE: u64 = 4096;

/// Processor time between two looks.
#[derive(Debug)]
pub(super) struct Usage {
    looked: Instant,
    ticks: u64,
}

impl Usage {
    pub(super) fn new() -> Self {
        Self {
            looked: Instant::now(),
            ticks: ticks().unwrap_or(0),
        }
    }

    /// Percent of one processor since the last look.
    pub(super) fn cpu(&mut self) -> f64 {
        let (now, ticks) = (Instant::now(), ticks().unwrap_or(0));
        let seconds = now.duration_since(self.looked).as_secs_f64();
        let used = ticks.saturating_sub(self.ticks) as f64 / TICKS;
        (self.looked, self.ticks) = (now, ticks);
        if seconds > 0.0 { 100.0 * used / seconds } else { 0.0 }
    }

    /// Bytes in memory; 0 where there is no `/proc`.
    pub(super) fn memory(&self) -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").ok();
        let resident = pages
            .as_deref()
            .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
        resident.unwrap_or(0) * PAGE
    }
}

fn ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may hold blanks.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    Some(user.parse::<u64>().ok()? + system.parse::<u64>().ok()?)
}
