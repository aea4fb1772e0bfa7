//! Processor time and memory from `/proc`. Where there is none, nothing is known, and nothing is made up.

use std::fs;
use std::path::Path;

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// What a process has used since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor time in seconds.
    pub cpu_s: f64,
    /// Resident memory in MiB.
    pub rss_mib: f64,
}

/// Processors this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What this process has used.
pub fn of_self() -> Option<Usage> {
    usage(Path::new("/proc/self"))
}

/// What the process with this id has used; `None` when there is none, or no `/proc`.
pub fn of_process(pid: u32) -> Option<Usage> {
    usage(&Path::new("/proc").join(pid.to_string()))
}

/// Processor time in seconds of this process's threads of this name.
pub fn of_threads(named: &str) -> Option<f64> {
    let mut seconds = None;
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        // A thread may end while it is looked at.
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        if name(&stat) == Some(named) {
            seconds = Some(seconds.unwrap_or(0.0) + cpu_s(&stat)?);
        }
    }
    seconds
}

fn usage(of: &Path) -> Option<Usage> {
    let stat = fs::read_to_string(of.join("stat")).ok()?;
    let status = fs::read_to_string(of.join("status")).ok()?;
    Some(Usage {
        cpu_s: cpu_s(&stat)?,
        rss_mib: rss_mib(&status)?,
    })
}

/// The name in a `stat` line, which may hold blanks and brackets.
fn name(stat: &str) -> Option<&str> {
    stat.get(stat.find('(')? + 1..stat.rfind(')')?)
}

/// User and system time of a `stat` line.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// Resident memory of a `status` file.
fn rss_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_moves_no_field() {
        let stat = "7 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0";
        assert_eq!(name(stat), Some("a) (b c"));
        assert_eq!(cpu_s(stat), Some(3.0));
        assert_eq!(cpu_s("7 (a) S 1"), None);
    }

    #[test]
    fn resident_memory_is_read_in_its_unit() {
        assert_eq!(rss_mib("VmPeak:\t  9 kB\nVmRSS:\t    2048 kB\n"), Some(2.0));
        assert_eq!(rss_mib("VmPeak:\t  9 kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen_both_ways_and_nobody_else_is_made_up() {
        let own = of_self().unwrap();
        assert!(own.rss_mib > 0.5, "{own:?}");
        assert!(of_process(std::process::id()).unwrap().cpu_s >= own.cpu_s);
        // Above the highest that Linux gives.
        assert_eq!(of_process(u32::MAX), None);
        assert_eq!(of_threads("nobody-is-so"), None);
    }
}
