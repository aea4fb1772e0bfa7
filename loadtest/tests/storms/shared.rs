//! Storms against a server that is not their own: two slices of one storm, and a server that goes away and comes back.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child as Process, Stdio};
use std::time::{Duration, SystemTime};

use loadtest::drive::server::{Child, ControlClient, Options};
use loadtest::plan::arrivals::Schedule;
use loadtest::plan::population::{Population, prepare::control_bodies};
use loadtest::plan::scenario::load;
use loadtest::record::{Funnel, Record, Verdict};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::program::{Leave, command, record, run};

/// How long a storm may take to be ready for its first arrival, on a machine that is busy with other tests.
const PREPARED_WITHIN: Duration = Duration::from_secs(10);

const SIGN_INS: &str = r#"
name = "sign-ins"
title = "Trusted sign-ins alone: no message is waited for"
seconds = 4
drain_s = 10

[[parties]]
name = "owners"
journey = "trusted-sign-in"
device = "trusted"
connection = "kept"
arrivals = { rate = 40 }

[slo]
objectives = [{ success = 0.999, p99_ms = 2000 }]
"#;

const OUTAGE: &str = r#"
name = "restart"
title = "The service goes away among sign-ins, and comes back"
seconds = 8
drain_s = 20

[[parties]]
name = "kept"
journey = "trusted-sign-in"
device = "trusted"
connection = "kept"
retry = { attempts = 6, delay_s = 0.5, jitter = "none" }
arrivals = { rate = 10, even = true }

[[parties]]
name = "cold"
journey = "trusted-sign-in"
device = "trusted"
retry = { attempts = 6, delay_s = 0.5, jitter = "none" }
arrivals = { rate = 10, even = true }

[slo]
objectives = [{ p99_ms = 400 }]
"#;

async fn server(options: &Options) -> Child {
    let program = Path::new(env!("CARGO_BIN_EXE_stepproof-load"));
    Child::start_with(program, options).await.unwrap()
}

/// A storm that begins at that moment, against that server.
fn starts(server: &Child, scenario: &Path, report: &Path, at: SystemTime, more: &[&str]) -> Process {
    let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64().to_string();
    let (scenario, report) = (scenario.display().to_string(), report.display().to_string());
    let addresses = server.addresses();
    let target = ["--target", &addresses.api, "--control", &addresses.control];
    let fixed = [
        "storm",
        &scenario,
        "--seed",
        "5",
        "--quiet",
        "--report",
        &report,
        "--start-at",
        &at,
    ];
    let mut command = command(&[&fixed[..], &target, more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How it ended, and its words.
fn ended(process: Process) -> (Option<i32>, String) {
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), told.into_owned())
}

fn offered(record: &Record) -> u64 {
    record.parties.iter().map(|party| party.funnel.offered).sum()
}

#[tokio::test]
async fn two_slices_are_one_storm_and_one_of_them_is_none() {
    let directory = TempDir::new().unwrap();
    let scenario = directory.path().join("sign-ins.toml");
    std::fs::write(&scenario, SIGN_INS).unwrap();
    let _leave = Leave::wait();
    let server = server(&Options::default()).await;
    let at = SystemTime::now() + PREPARED_WITHIN;
    let reports = ["slice-0", "slice-1"].map(|name| directory.path().join(name));
    let slices = ["0/2", "1/2"].iter().zip(&reports);
    let slices: Vec<Process> = slices
        .map(|(slice, report)| starts(&server, &scenario, report, at, &["--slice", slice]))
        .collect();
    for process in slices {
        let (code, told) = ended(process);
        assert!(matches!(code, Some(0 | 5)), "{code:?}: {told}");
    }
    server.stop().await.unwrap();

    let [one, other] = reports.each_ref().map(|report| report.display().to_string());
    let merged = directory.path().join("merged").display().to_string();
    let (code, told) = run(&["merge", &one, &other, "--report", &merged]);
    let whole = record(&Path::new(&merged).join("record.json"));
    assert_eq!(code, Some(whole.verdict.exit_code().into()), "{told}");
    let late = !whole.generator.limits.is_empty();
    let verdict = if late { Verdict::GeneratorLimited } else { Verdict::Held };
    assert_eq!((whole.verdict, whole.slice), (verdict, None), "{told}");
    let parts = reports.each_ref().map(|report| offered(&record(&report.join("record.json"))));
    assert!(parts.iter().all(|offered| *offered > 0), "{parts:?}");
    assert_eq!(offered(&whole), parts.iter().sum::<u64>());
    let scheduled = Schedule::new(&whole.scenario, 5, None).unwrap().count();
    assert_eq!(offered(&whole), scheduled as u64);
    assert_eq!(whole.parties[0].funnel.completed, offered(&whole), "{told}");

    let alone = directory.path().join("alone");
    let (code, told) = run(&["merge", &one, "--report", &alone.display().to_string()]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("slice 1 of 2 is missing"), "{told}");
    assert!(!alone.exists());
}

/// Ports that were free a moment ago.
fn free<const MANY: usize>() -> [u16; MANY] {
    let listeners = [(); MANY].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Where everybody went, all parties together.
fn sum(record: &Record, of: fn(&Funnel) -> u64) -> u64 {
    record.parties.iter().map(|party| of(&party.funnel)).sum()
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_waited_for_and_the_wait_is_told() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("restart.toml");
    std::fs::write(&file, OUTAGE).unwrap();
    let _leave = Leave::wait();
    let [port, http, smtp] = free();
    let options = Options {
        port,
        push: Some(format!("http://127.0.0.1:{http}")),
        email: Some(format!("smtp://127.0.0.1:{smtp}")),
        ..Options::default()
    };
    let first = server(&options).await;
    let (now, clock) = (SystemTime::now(), Instant::now());
    let begins = PREPARED_WITHIN;
    let report = directory.path().join("report");
    let (http, smtp) = (format!("127.0.0.1:{http}"), format!("127.0.0.1:{smtp}"));
    let sinks = ["--sink-http", &http, "--sink-smtp", &smtp];
    let mut process = starts(&first, &file, &report, now + begins, &sinks);

    tokio::time::sleep_until(clock + begins + Duration::from_secs(2)).await;
    first.stop().await.unwrap();
    // Seconds of the storm, as they were and not as they were meant: stopping and starting take what they take.
    let of_storm = || clock.elapsed().as_secs_f64() - begins.as_secs_f64();
    let gone = of_storm().ceil() as u32;
    tokio::time::sleep_until(Instant::now() + Duration::from_secs(3)).await;
    assert!(process.try_wait().unwrap().is_none(), "it goes on without the server");
    let back = of_storm() as u32;
    let second = server(&options).await;
    let population = Population::of(&load(&file).unwrap(), 5).unwrap();
    let bodies = control_bodies(&population, None, 5_000).map(Result::unwrap);
    let mut control = ControlClient::open(&second.addresses().control).await.unwrap();
    assert_eq!(control.seed_bodies(bodies).await.unwrap(), population.total());

    let (code, told) = ended(process);
    second.stop().await.unwrap();
    let record = record(&report.join("record.json"));
    assert!(!record.interrupted);
    let all = sum(&record, |funnel| funnel.offered);
    assert_eq!(all, Schedule::new(&record.scenario, 5, None).unwrap().count() as u64);
    assert!(sum(&record, |funnel| funnel.attempts) > all + 20, "{told}");
    let completed = |seconds: std::ops::Range<u32>| -> u64 {
        let within = record.seconds.iter().filter(|second| seconds.contains(&second.at));
        within.map(|second| second.completed).sum()
    };
    // The edges belong to both: stopping and starting take a moment.
    assert!(completed(0..2) > 0, "{told}");
    assert_eq!(completed(gone..back), 0, "{told}");
    assert!(completed(back..600) > 40, "{told}");
    assert!(sum(&record, |funnel| funnel.completed) > all * 3 / 4, "{told}");
    // Whoever came while it was away waited for longer than was promised, counted from when they came.
    assert!(record.promises.iter().any(|promise| !promise.kept), "{:?}", record.promises);
    assert_ne!(record.verdict, Verdict::Held);
    assert_eq!(code, Some(record.verdict.exit_code().into()), "{told}");
    assert_eq!(record.safety.breaches, [], "{told}");
}
