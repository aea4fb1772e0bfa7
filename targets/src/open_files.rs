//! How many files this process may have open. Every connection is one, and a suite that starts its own server has both ends of
//! each; the soft limit that shells hand on (1,024 on most Linux systems, 256 on macOS) is soon used up.

/// Raises the soft limit as far as an ordinary process may, and tells what is allowed now.
pub fn raise_limit() -> u64 {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let allowed = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // macOS refuses more than its OPEN_MAX even where the hard limit is said to be none.
        for wanted in [maximum, Some(OPEN_MAX)] {
            let raised = Rlimit {
                current: wanted,
                maximum,
            };
            if allowed(wanted) > allowed(current)
                && allowed(wanted) <= allowed(maximum)
                && setrlimit(Resource::Nofile, raised).is_ok()
            {
                break;
            }
        }
        allowed(getrlimit(Resource::Nofile).current)
    }
    #[cfg(not(unix))]
    u64::MAX
}

/// `OPEN_MAX` of macOS.
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;
