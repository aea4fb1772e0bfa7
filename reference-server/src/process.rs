//! What the process takes of the machine, for Prometheus, from `/proc`. It is of the whole process, however many servers run in
//! it; where there is no `/proc`, nothing is told.

use std::fmt::Write as _;
use std::fs;

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// Processor time and memory in the Prometheus text format.
pub(crate) fn page() -> String {
    let mut page = String::new();
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_s) {
        // Nothing that is written to a text fails.
        let _ = write!(
            page,
            "# HELP process_cpu_seconds_total User and system processor time in seconds\n\
             # TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {seconds}\n"
        );
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(rss_bytes) {
        let _ = write!(
            page,
            "# HELP process_resident_memory_bytes Resident memory in bytes\n\
             # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}\n"
        );
    }
    page
}

/// User and system time of a `stat` line; the name in brackets may hold blanks.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// Resident memory of a `status` file.
fn rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_the_right_ones() {
        assert_eq!(cpu_s("7 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20"), Some(3.0));
        assert_eq!(cpu_s("7 (a) S 1"), None);
        assert_eq!(rss_bytes("VmPeak:\t 9 kB\nVmRSS:\t 2048 kB\n"), Some(2 * 1024 * 1024));
    }
}
