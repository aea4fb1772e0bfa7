//! Processor time and memory from `/proc`. Where there is none, nothing is known, and nothing is made up.

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

#[cfg(target_os = "linux")]
mod proc {
    use procfs::process::{Process, Stat};

    use super::Usage;

    /// What this process has used.
    pub fn of_self() -> Option<Usage> {
        usage(&Process::myself().ok()?)
    }

    /// What the process with this id has used; `None` when there is none, or no `/proc`.
    pub fn of_process(pid: u32) -> Option<Usage> {
        usage(&Process::new(pid.try_into().ok()?).ok()?)
    }

    /// Processor time in seconds of this process's threads of this name.
    pub fn of_threads(named: &str) -> Option<f64> {
        let tasks = Process::myself().ok()?.tasks().ok()?;
        // A thread may end while it is looked at.
        let stats = tasks.flatten().filter_map(|task| task.stat().ok());
        let seconds = stats.filter(|stat| stat.comm == named).map(|stat| cpu_s(&stat));
        seconds.reduce(|sum, one| sum + one)
    }

    fn usage(process: &Process) -> Option<Usage> {
        let stat = process.stat().ok()?;
        Some(Usage {
            cpu_s: cpu_s(&stat),
            // In KiB.
            rss_mib: process.status().ok()?.vmrss? as f64 / 1024.0,
        })
    }

    fn cpu_s(stat: &Stat) -> f64 {
        (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
    }
}

#[cfg(not(target_os = "linux"))]
mod proc {
    use super::Usage;

    pub fn of_self() -> Option<Usage> {
        None
    }

    pub fn of_process(_: u32) -> Option<Usage> {
        None
    }

    pub fn of_threads(_: &str) -> Option<f64> {
        None
    }
}

pub use proc::{of_process, of_self, of_threads};

#[cfg(test)]
mod tests {
    use super::*;

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
