//! What a storm needs of this machine, looked up before it starts: files, ports, processors, a clock that is quick to read; and
//! whether a code arrives at all.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use targets::process;

use crate::measure::resources;

/// Files beside the connections: logs, listeners, epoll, the terminal.
const SLACK: u64 = 128;

/// The same where files are few: what is used is less than half of it.
const MIN_SLACK_FILES: u64 = 64;

/// Connections below which a storm is none.
const MIN_CONNECTIONS: u64 = 32;

/// Seconds for which a closed connection keeps its port.
const TIME_WAIT_S: f64 = 60.0;

/// The same on the loopback, where Linux gives a port away again after a second.
const REUSED_AFTER_S: f64 = 1.0;

/// Clock sources that are read without asking the kernel.
const QUICK_CLOCKS: [&str; 6] = [
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "xen",
    "arch_sys_counter",
    "riscv_clocksource",
];

/// What a storm will ask of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// Flows under way at once, each with a connection.
    pub users: u64,
    /// Connections that providers' sinks will hold.
    pub sinks: u64,
    /// Whether an idle connection can be closed for another phone's.
    pub idle_make_room: bool,
    /// New connections a second, at the height.
    pub new_connections_per_s: f64,
    /// Source addresses they are spread over.
    pub sources: u32,
    /// Whether the target is on the loopback.
    pub loopback: bool,
    /// Threads of generator and server that work at the same time on this machine.
    pub threads: usize,
}

/// Something there is not enough of.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What, such as `open files`.
    pub what: String,
    /// How many there are, in words.
    pub have: String,
    /// How many are needed, in words.
    pub need: String,
    pub hint: String,
    /// Whether the storm could not be what it says it is. What only makes it less exact is a warning.
    pub fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, and {}", self.what, self.have, self.need)
    }
}

/// What the machine has. What cannot be read is `None`, and then nothing is said of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Files this process may open.
    pub open_files: Option<u64>,
    /// Files it could open if it asked.
    pub open_files_most: Option<u64>,
    /// The first and the last of the ports that connections are given.
    pub ports: Option<(u16, u16)>,
    /// Whether the ports of closed connections are given away early on the loopback.
    pub ports_reused: bool,
    pub cores: usize,
    /// Where the kernel has its time from.
    pub clock: Option<String>,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let (open_files, open_files_most) = process::open_files();
        Self {
            open_files,
            open_files_most,
            ports: read("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| range(&text)),
            ports_reused: read("/proc/sys/net/ipv4/tcp_tw_reuse").is_some_and(|text| matches!(text.trim(), "1" | "2")),
            cores: resources::cores(),
            clock: read("/sys/devices/system/clocksource/clocksource0/current_clocksource").map(|text| text.trim().to_owned()),
        }
    }

    /// The most new connections a second that one source address can open for long.
    pub fn new_connections_per_source(&self, loopback: bool, bound: bool) -> Option<f64> {
        let (first, last) = self.ports?;
        // An address that is chosen takes its port when it is bound, and only one that is quite free.
        let kept_s = if loopback && !bound && self.ports_reused {
            REUSED_AFTER_S
        } else {
            TIME_WAIT_S
        };
        Some(f64::from(last.saturating_sub(first)) / kept_s)
    }
}

/// What this machine lacks for a storm. Files are raised to what is allowed first.
pub fn preflight(needs: Needs) -> Vec<Problem> {
    let _ = process::raise_open_files();
    lacking(needs, &Machine::here())
}

/// What a machine lacks for a storm.
pub fn lacking(needs: Needs, machine: &Machine) -> Vec<Problem> {
    [
        files(needs, machine),
        ports_at_once(needs, machine),
        ports_a_second(needs, machine),
        cores(needs, machine),
        clock(machine),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How many connections may stand at once; `None` where files are no limit, or too few for a storm.
pub fn connections(needs: Needs, machine: &Machine) -> Option<usize> {
    let have = machine
        .open_files
        .filter(|have| needs.idle_make_room && *have < files_needed(needs))?;
    // A third for phones: a server with the same limit has the other end of each, and may deliver by push and by email for it.
    let connections = have.saturating_sub(MIN_SLACK_FILES) / 3;
    usize::try_from(connections).ok().filter(|_| connections >= MIN_CONNECTIONS)
}

fn files_needed(needs: Needs) -> u64 {
    needs.users + needs.sinks + SLACK
}

fn files(needs: Needs, machine: &Machine) -> Option<Problem> {
    let (have, need) = (machine.open_files?, files_needed(needs));
    let room = connections(needs, machine);
    let hint = match machine.open_files_most {
        Some(most) if most < need => {
            format!("raise the hard limit (`ulimit -Hn {need}` as root, or LimitNOFILE= of the unit), or fewer --users")
        }
        _ => format!("`ulimit -n {need}` before it is started, or fewer --users"),
    };
    let hint = match room {
        Some(room) => format!("at most {room} connections stand at once, and idle ones are closed for others; for more, {hint}"),
        None => hint,
    };
    (have < need).then(|| Problem {
        what: "open files".to_owned(),
        have: format!("this process may open {have}"),
        need: format!(
            "{need} are needed: {} for users, {} for sinks, {SLACK} besides",
            needs.users, needs.sinks
        ),
        hint,
        fatal: room.is_none(),
    })
}

fn ports_at_once(needs: Needs, machine: &Machine) -> Option<Problem> {
    let (first, last) = machine.ports?;
    let have = u64::from(last.saturating_sub(first)) * u64::from(needs.sources.max(1));
    (have < needs.users).then(|| Problem {
        what: "local ports".to_owned(),
        have: format!(
            "{} source address(es) have {have} (ports {first} to {last})",
            needs.sources.max(1)
        ),
        need: format!("{} connections are open at once", needs.users),
        hint: "more source addresses, or a wider net.ipv4.ip_local_port_range".to_owned(),
        fatal: true,
    })
}

fn ports_a_second(needs: Needs, machine: &Machine) -> Option<Problem> {
    let sources = needs.sources.max(1);
    let each = machine.new_connections_per_source(needs.loopback, sources > 1)?;
    let have = each * f64::from(sources);
    (have < needs.new_connections_per_s).then(|| Problem {
        what: "new connections a second".to_owned(),
        have: format!("{sources} source address(es) can open {have:.0} a second for long, because a closed one keeps its port"),
        need: format!("{:.0} a second are asked for", needs.new_connections_per_s),
        hint: format!(
            "{} source addresses, kept connections, or a wider net.ipv4.ip_local_port_range",
            (needs.new_connections_per_s / machine.new_connections_per_source(needs.loopback, true).unwrap_or(each)).ceil()
        ),
        // The ports last for a while: a short storm is over before they are used up.
        fatal: false,
    })
}

fn cores(needs: Needs, machine: &Machine) -> Option<Problem> {
    (machine.cores < needs.threads).then(|| Problem {
        what: "processors".to_owned(),
        have: format!("this process may use {}", machine.cores),
        need: format!("generator and server have work for {}", needs.threads),
        hint: "a server on a machine of its own; here both compete, and latencies include that".to_owned(),
        fatal: false,
    })
}

fn clock(machine: &Machine) -> Option<Problem> {
    let clock = machine.clock.as_deref()?;
    (!QUICK_CLOCKS.contains(&clock)).then(|| Problem {
        what: "clock source".to_owned(),
        have: format!("the kernel's is `{clock}`"),
        need: "every look at it asks the kernel, which costs microseconds and shows in the latencies".to_owned(),
        hint: "`tsc` where the machine has a steady one (/sys/devices/system/clocksource)".to_owned(),
        fatal: false,
    })
}

/// Whether a code arrives: one sign-in of a probe account, then its code, within this time of the sign-in's answer. How long it took.
pub async fn probe_sink(
    sign_in: impl Future<Output = Result<(), String>>,
    code: impl Future<Output = ()>,
    within: Duration,
    sinks: &[String],
) -> Result<Duration, Problem> {
    let problem = |have: String, hint: String| Problem {
        what: "deliveries".to_owned(),
        have,
        need: "every flow with a second step waits for a code".to_owned(),
        hint,
        fatal: true,
    };
    let asked = Instant::now();
    sign_in.await.map_err(|why| {
        let hint = "does the probe's account exist, and is two-step verification on".to_owned();
        problem(format!("the probe could not begin a sign-in: {why}"), hint)
    })?;
    match tokio::time::timeout(within, code).await {
        Ok(()) => Ok(asked.elapsed()),
        Err(_) => Err(problem(
            format!("no code arrived within {within:?}"),
            format!(
                "is the target configured to deliver to {}, and can it reach it",
                sinks.join(" and ")
            ),
        )),
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let mut ports = text.split_whitespace().map(str::parse);
    Some((ports.next()?.ok()?, ports.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Needs {
        Needs {
            users: 1_000,
            sinks: 100,
            idle_make_room: false,
            new_connections_per_s: 400.0,
            sources: 1,
            loopback: false,
            threads: 2,
        }
    }

    fn machine() -> Machine {
        Machine {
            open_files: Some(1_228),
            open_files_most: Some(1_228),
            ports: Some((32_768, 60_999)),
            ports_reused: true,
            cores: 2,
            clock: Some("tsc".to_owned()),
        }
    }

    fn to_text(needs: Needs, machine: &Machine) -> Vec<(String, bool)> {
        lacking(needs, machine)
            .into_iter()
            .map(|problem| (problem.what, problem.fatal))
            .collect()
    }

    #[test]
    fn what_is_just_enough_is_no_problem_and_one_less_is() {
        assert_eq!(lacking(needs(), &machine()), []);
        let one = |what: &str, fatal| vec![(what.to_owned(), fatal)];
        let files = Machine {
            open_files: Some(1_227),
            ..machine()
        };
        assert_eq!(to_text(needs(), &files), one("open files", true));
        let cold = Needs {
            new_connections_per_s: 471.0,
            ..needs()
        };
        assert_eq!(to_text(cold, &machine()), one("new connections a second", false));
        assert_eq!(to_text(Needs { loopback: true, ..cold }, &machine()), []);
        assert_eq!(to_text(Needs { sources: 2, ..cold }, &machine()), []);
        let slow = Machine {
            clock: Some("acpi_pm".to_owned()),
            ..machine()
        };
        assert_eq!(to_text(needs(), &slow), one("clock source", false));
        assert_eq!(to_text(Needs { threads: 3, ..needs() }, &machine()), one("processors", false));
        let many = Machine {
            open_files: None,
            ..machine()
        };
        let crowd = Needs {
            users: 28_232,
            ..needs()
        };
        assert_eq!(to_text(crowd, &many), one("local ports", true));
    }

    #[test]
    fn a_problem_says_how_many_are_needed() {
        let files = Machine {
            open_files: Some(1_024),
            ..machine()
        };
        let problem = &lacking(needs(), &files)[0];
        assert_eq!(
            problem.to_string(),
            "open files: this process may open 1024, and 1228 are needed: 1000 for users, 100 for sinks, 128 besides"
        );
        assert_eq!(problem.hint, "`ulimit -n 1228` before it is started, or fewer --users");
    }

    #[test]
    fn where_files_are_few_connections_are_shared_and_where_they_are_too_few_nothing_begins() {
        let with = |open_files| Machine {
            open_files: Some(open_files),
            open_files_most: Some(open_files),
            ..machine()
        };
        let shared = Needs {
            idle_make_room: true,
            ..needs()
        };
        assert_eq!(connections(shared, &with(1_228)), None, "there are enough");
        assert_eq!(connections(needs(), &with(256)), None, "nobody would make room");
        assert_eq!(connections(shared, &with(256)), Some(64));
        let warning = &lacking(shared, &with(256))[0];
        assert!(!warning.fatal && warning.hint.starts_with("at most 64 connections stand at once"));
        assert!(
            warning.hint.contains("raise the hard limit (`ulimit -Hn 1228`"),
            "{}",
            warning.hint
        );
        assert_eq!(connections(shared, &with(159)), None);
        assert!(lacking(shared, &with(159))[0].fatal);
    }

    #[test]
    fn a_machine_that_tells_nothing_is_not_accused() {
        assert_eq!(lacking(Needs { threads: 0, ..needs() }, &Machine::default()), []);
        assert_eq!(range("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(range("none"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_that_does_not_arrive_is_told_with_where_it_should_have() {
        let sinks = ["smtp://127.0.0.1:2525".to_owned()];
        let within = Duration::from_secs(5);
        let lost = probe_sink(async { Ok(()) }, std::future::pending(), within, &sinks)
            .await
            .unwrap_err();
        assert!(lost.have.starts_with("no code arrived within 5s"), "{lost}");
        assert!(lost.hint.contains("smtp://127.0.0.1:2525"), "{}", lost.hint);
        let refused = async { Err("401".to_owned()) };
        let refused = probe_sink(refused, async {}, within, &sinks).await.unwrap_err();
        assert!(refused.have.contains("could not begin a sign-in: 401"), "{refused}");
        assert!(probe_sink(async { Ok(()) }, async {}, within, &sinks).await.is_ok());
    }
}
