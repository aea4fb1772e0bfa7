//! What this process was given: how many files it may have open, and which signals it was started to outlive.

/// How many files this process may have open now, and how many it may allow itself; `None` for any number.
pub fn open_files() -> (Option<u64>, Option<u64>) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile);
        (limit.current, limit.maximum)
    }
    #[cfg(not(unix))]
    (None, None)
}

/// Lets this process open as many files as an ordinary one may, and tells how many those are; `None` for any number. Every
/// connection is one, and what starts its own server has both ends of each: the soft limit that shells hand on (1,024 on most
/// Linux systems, 256 on macOS) is soon used up.
pub fn raise_open_files() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let (_, maximum) = open_files();
        let raise = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok();
        // macOS refuses more than its OPEN_MAX even where it allows any number.
        let _ = raise(maximum) || maximum.is_none() && raise(Some(10_240));
    }
    open_files().0
}

/// Whether whoever started this process wants it to outlive this signal, as `nohup` does with SIGHUP. Known where there is a
/// `/proc`.
pub fn ignores_signal(signal: i32) -> bool {
    ignores(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), signal)
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_files_is_raised_as_far_as_it_goes() {
        let allowed = raise_open_files();
        assert_eq!(open_files(), (allowed, allowed));
    }

    #[test]
    fn an_ignored_signal_is_seen_in_the_mask() {
        let status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\tffffffffffffffff\n";
        assert!(ignores(status, 1) && ignores(status, 13));
        assert!(!ignores(status, 15) && !ignores("", 1));
    }
}
