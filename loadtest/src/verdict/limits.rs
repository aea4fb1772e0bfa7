//! Whether the generator, and not the service, was the limit. Such a run is no result: every reason is told, and the thresholds
//! are these.

use crate::record::Resources;

/// 99th percentile of the scheduler's own lateness, in milliseconds: beyond, arrivals did not come when they should have.
pub const SCHEDULE_LAG_MS: f64 = 20.0;

/// 99th percentile of the scheduling delay, in milliseconds, of arrivals that found a free user: beyond, the users themselves had to
/// wait for a processor. Waiting for a free user is no fault of the generator's as long as the service is what holds them up; it
/// is part of the response time.
pub const SCHEDULING_DELAY_MS: f64 = 50.0;

/// The part of all processors that the generator takes over [`WINDOW_S`] seconds: beyond, it has none left to be on time with.
pub const CPU: f64 = 0.9;

/// The part that generator and server take together when the server is on the same machine. A server that uses all that it can
/// get is what a storm is for, so this counts only beside a lag of [`CROWDED_LAG_MS`].
pub const CPU_TOGETHER: f64 = 0.97;

/// See [`CPU_TOGETHER`].
pub const CROWDED_LAG_MS: f64 = 10.0;

/// Seconds over which processor time is looked at.
pub const WINDOW_S: f64 = 5.0;

/// Milliseconds for which a message may lie in a sink unread: beyond, delivery lag is the sink's and not the service's.
pub const SINK_BACKLOG_MS: f64 = 250.0;

/// What tells of the generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed<'a> {
    /// 99th percentile of the scheduler's lateness.
    pub schedule_lag_p99_ms: f64,
    /// 99th percentile of the scheduling delay while there were free users; `None` when there never were.
    pub scheduling_delay_p99_ms: Option<f64>,
    pub resources: &'a [Resources],
    pub cores: usize,
    /// Whether the server is on the same machine.
    pub server_here: bool,
    /// Connections that found no local port (EADDRNOTAVAIL).
    pub no_ports: u64,
    /// Connections that found no file (EMFILE, ENFILE).
    pub no_files: u64,
    /// The longest time that a message lay in a sink unread; 0 where nothing did.
    pub sink_backlog_ms: f64,
}

/// Every way in which the generator was the limit; none is good.
pub fn generator_limits(observed: &Observed<'_>) -> Vec<String> {
    let Observed {
        schedule_lag_p99_ms,
        scheduling_delay_p99_ms,
        no_ports,
        no_files,
        sink_backlog_ms,
        ..
    } = *observed;
    let mut limits = Vec::new();
    if over(schedule_lag_p99_ms, SCHEDULE_LAG_MS) {
        limits.push(format!(
            "the schedule was not kept: p99 of its lateness {schedule_lag_p99_ms:.1} ms, {SCHEDULE_LAG_MS:.0} ms at most"
        ));
    }
    if let Some(lag) = scheduling_delay_p99_ms.filter(|lag| over(*lag, SCHEDULING_DELAY_MS)) {
        limits.push(format!(
            "arrivals were begun late although users were free: p99 {lag:.1} ms, {SCHEDULING_DELAY_MS:.0} ms at most"
        ));
    }
    limits.extend(processors(observed));
    if no_ports > 0 {
        limits.push(format!(
            "{no_ports} connection(s) found no local port: more source addresses are needed"
        ));
    }
    if no_files > 0 {
        limits.push(format!(
            "{no_files} connection(s) found no file descriptor: a higher `ulimit -n` is needed"
        ));
    }
    if over(sink_backlog_ms, SINK_BACKLOG_MS) {
        limits.push(format!(
            "the sink was behind: messages lay up to {sink_backlog_ms:.0} ms unread, {SINK_BACKLOG_MS:.0} ms at most"
        ));
    }
    limits
}

/// A lag that is no number is one that cannot be vouched for.
fn over(found: f64, most: f64) -> bool {
    found.is_nan() || found > most
}

fn processors(observed: &Observed<'_>) -> Option<String> {
    let all = observed.cores.max(1) as f64;
    let own = busiest(observed.resources, |at| Some(at.generator_cpu_s))?;
    if own / all >= CPU {
        return Some(format!(
            "the generator used {own:.2} of {all:.0} processors over {WINDOW_S:.0} s, {:.0} % at most",
            CPU * 100.0
        ));
    }
    let late = over(observed.schedule_lag_p99_ms, CROWDED_LAG_MS);
    let both = busiest(observed.resources, |at| Some(at.generator_cpu_s + at.server_cpu_s?))?;
    (observed.server_here && late && both / all >= CPU_TOGETHER).then(|| {
        format!("generator and server together used {both:.2} of {all:.0} processors, and the schedule was late: the server needs a machine of its own")
    })
}

/// The most processors used over a window.
fn busiest(resources: &[Resources], used: impl Fn(&Resources) -> Option<f64>) -> Option<f64> {
    let seen: Vec<(f64, f64)> = resources.iter().filter_map(|at| Some((at.at_s, used(at)?))).collect();
    let windows = seen.iter().enumerate().filter_map(|(nth, (from_s, before))| {
        let (to_s, after) = seen[nth..].iter().find(|(at_s, _)| at_s - from_s >= WINDOW_S)?;
        Some((after - before) / (to_s - from_s))
    });
    let most = windows.reduce(f64::max);
    // A storm shorter than a window is one window.
    most.or_else(|| {
        let ((from_s, before), (to_s, after)) = (seen.first()?, seen.last()?);
        (to_s > from_s).then(|| (after - before) / (to_s - from_s))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds in which generator and server each use so many processors.
    fn used(generator: f64, server: Option<f64>) -> Vec<Resources> {
        let at = |second: u32| Resources {
            at_s: f64::from(second),
            generator_cpu_s: 7.0 + generator * f64::from(second),
            server_cpu_s: server.map(|server| 3.0 + server * f64::from(second)),
            ..Resources::default()
        };
        (0..=10).map(at).collect()
    }

    fn limits(change: impl FnOnce(&mut Observed<'_>), resources: &[Resources]) -> Vec<String> {
        let mut observed = Observed {
            schedule_lag_p99_ms: 1.0,
            scheduling_delay_p99_ms: Some(2.0),
            resources,
            cores: 2,
            server_here: true,
            ..Observed::default()
        };
        change(&mut observed);
        generator_limits(&observed)
    }

    #[test]
    fn a_quiet_generator_was_no_limit_however_busy_the_server() {
        assert_eq!(limits(|_| {}, &used(0.6, Some(1.4))), Vec::<String>::new());
        assert_eq!(limits(|seen| seen.scheduling_delay_p99_ms = None, &[]), Vec::<String>::new());
    }

    #[test]
    fn each_limit_is_told_alone() {
        let quiet = used(0.5, None);
        let one = |limits: Vec<String>, says: &str| {
            assert_eq!(limits.len(), 1, "{limits:?}");
            assert!(limits[0].contains(says), "{limits:?}");
        };
        one(
            limits(|seen| seen.schedule_lag_p99_ms = 20.1, &quiet),
            "schedule was not kept: p99 of its lateness 20.1 ms",
        );
        one(
            limits(|seen| seen.schedule_lag_p99_ms = f64::NAN, &quiet),
            "schedule was not kept",
        );
        one(
            limits(|seen| seen.scheduling_delay_p99_ms = Some(51.0), &quiet),
            "although users were free: p99 51.0 ms",
        );
        one(
            limits(|seen| seen.no_ports = 3, &quiet),
            "3 connection(s) found no local port",
        );
        one(limits(|seen| seen.no_files = 1, &quiet), "`ulimit -n`");
        one(limits(|seen| seen.sink_backlog_ms = 251.0, &quiet), "251 ms unread");
        one(limits(|_| {}, &used(1.81, None)), "1.81 of 2 processors");
    }

    #[test]
    fn a_full_machine_counts_only_beside_a_late_schedule() {
        let full = used(0.6, Some(1.39));
        assert_eq!(limits(|seen| seen.schedule_lag_p99_ms = 9.9, &full), Vec::<String>::new());
        assert_eq!(limits(|seen| seen.schedule_lag_p99_ms = 11.0, &full).len(), 1);
        let elsewhere = |seen: &mut Observed<'_>| (seen.schedule_lag_p99_ms, seen.server_here) = (11.0, false);
        assert_eq!(limits(elsewhere, &full), Vec::<String>::new());
    }

    #[test]
    fn a_short_peak_is_seen_in_its_window() {
        let mut resources = used(0.2, None);
        for at in &mut resources[5..] {
            at.generator_cpu_s += 2.0 * (at.at_s - 4.0).min(5.0);
        }
        let found = limits(|_| {}, &resources);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
