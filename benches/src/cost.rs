//! Processor time of this process, as the kernel counts it.

use std::time::Duration;

/// The kernel's ticks in a second, the same on every Linux that programs see (`USER_HZ`).
const TICKS: u64 = 100;

/// User and system time of this process so far.
pub fn cpu() -> std::io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let ticks = ticks(&stat).ok_or_else(|| std::io::Error::other("/proc/self/stat is not as proc(5) says"))?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Fields 14 and 15; the name, which may hold anything, ends at the last parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fields_are_counted_after_the_name() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(super::ticks(stat), Some(200));
        assert_eq!(super::ticks("7 (a) S 1"), None);
    }
}
