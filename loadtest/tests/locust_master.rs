//! A real Locust master and workers over real sockets: what the master shows is what the workers measured, a worker that is killed is
//! missed, and a master that is killed and started again is found.

#[path = "../examples/locust_worker/synthetic.rs"]
mod synthetic;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loadtest::fleet::locust::{Ended, WorkerOptions, run};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::synthetic::{Counted, Synthetic};

const BOUND: Duration = Duration::from_secs(35);

/// Where cargo builds: this test is `TARGET/PROFILE/deps/…`.
fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    test.ancestors().nth(2).expect("the profile's directory").to_owned()
}

fn locust() -> PathBuf {
    let locust = profile_dir().with_file_name("locust-venv").join("bin/locust");
    assert!(
        locust.exists(),
        "{} is not there: run scripts/locust-venv, which installs it",
        locust.display()
    );
    locust
}

fn worker_program() -> PathBuf {
    let program = profile_dir().join("examples/locust_worker");
    assert!(
        program.exists(),
        "{} is not there: cargo build -p loadtest --example locust_worker (a plain cargo test builds it)",
        program.display()
    );
    program
}

/// A port that nobody listens on, from below those that connections leave from: one of these may be taken again before the master
/// listens there.
async fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 20_000).expect("is small");
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// Asks until the answer is there, within the test's bound.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let asked = async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(BOUND, asked)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"))
}

fn master(port: u16, dir: &Path, log: &str, arguments: &[&str]) -> Child {
    let log = std::fs::File::create(dir.join(log)).expect("the master's log");
    Command::new(locust())
        .arg("-f")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/locust/locustfile.py"))
        .args([
            "--master",
            "--master-bind-host",
            "127.0.0.1",
            "--master-bind-port",
            &port.to_string(),
        ])
        .args(["--storm", "made-up", "--storm-seed", "7", "--storm-start-delay", "1"])
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the same file"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the master starts")
}

/// A worker process, and the last line it wrote: requests, failures, sum of milliseconds, and how far it is.
struct Worker {
    child: Child,
    told: watch::Receiver<[String; 4]>,
}

fn worker(port: u16, name: &str) -> Worker {
    let mut child = Command::new(worker_program())
        .args([&format!("127.0.0.1:{port}"), name])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a worker starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (tell, told) = watch::channel(Default::default());
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            tell.send_replace(words.try_into().expect("four words"));
        }
    });
    Worker { child, told }
}

/// Requests, failures and the mean of each row of Locust's table, by the method.
fn table(csv: &str) -> BTreeMap<String, (u64, u64, f64)> {
    let rows = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|row| {
        let number = |column: usize| row[column].parse::<f64>().expect("a number");
        (row[0].to_owned(), (number(2) as u64, number(3) as u64, number(5)))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_missed_and_everything_the_others_measured_is_at_the_master() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port().await;
    let order = "--headless --expect-workers 3 --users 3 --spawn-rate 100 --storm-workers 3 --storm-rate 300 --storm-seconds 4 --csv run --only-summary";
    let mut master = master(port, dir.path(), "log", &order.split(' ').collect::<Vec<_>>());
    let mut workers: Vec<Worker> = (0..3).map(|nth| worker(port, &format!("worker-{nth}"))).collect();
    let mut killed = workers.remove(1);

    // A second into its storm, when it has reported twice.
    let far = killed
        .told
        .wait_for(|told| told[0].parse().is_ok_and(|requests: u64| requests >= 100));
    tokio::time::timeout(BOUND, far)
        .await
        .expect("in time")
        .expect("the storm begins");
    killed.child.kill().await.expect("it is killed");

    let ended = tokio::time::timeout(BOUND, master.wait())
        .await
        .expect("in time")
        .expect("the master ends");
    let log = std::fs::read_to_string(dir.path().join("log")).expect("its log");
    assert_eq!(ended.code(), Some(4), "{log}");
    assert!(
        log.contains("worker-1 failed to send heartbeat, setting state to missing"),
        "{log}"
    );
    assert!(log.contains("2 of 3 slices are done: no verdict"), "{log}");

    let table = table(&std::fs::read_to_string(dir.path().join("run_stats.csv")).expect("its table"));
    let mut seen = 0;
    for worker in &mut workers {
        let ended = tokio::time::timeout(BOUND, worker.child.wait())
            .await
            .expect("in time")
            .expect("it ends");
        assert!(ended.success(), "{ended}");
        let told = worker
            .told
            .wait_for(|told| told[3] == "done")
            .await
            .expect("its last word")
            .clone();
        let [requests, failures, total_ms] = [0, 1, 2].map(|word| told[word].parse::<u64>().expect("a number"));
        assert_eq!(requests, 400, "a third of 300 a second for 4 s");
        let row = table
            .values()
            .find(|row| row.0 == requests && row.1 == failures && (row.2 - total_ms as f64 / 400.0).abs() < 1e-6);
        assert!(row.is_some(), "{told:?} is not in {table:?}");
        seen += requests;
    }
    let lost = table
        .iter()
        .filter(|(method, row)| method.starts_with("SLICE") && row.0 < 400)
        .collect::<Vec<_>>();
    let [(_, (reported, ..))] = lost[..] else {
        panic!("one slice is not whole: {table:?}")
    };
    let sent: u64 = killed.told.borrow()[0].parse().expect("a number");
    assert!((1..=sent).contains(reported), "{reported} of {sent}");
    assert_eq!(table[""].0, seen + reported);
}

/// One answer of the master's page.
async fn page(port: u16, request: &str, form: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let head = format!(
        "{request} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

async fn requests(port: u16) -> Option<serde_json::Value> {
    serde_json::from_str(&page(port, "GET /stats/requests", "").await?).ok()
}

fn states(stats: &serde_json::Value) -> Vec<&str> {
    let workers = stats["workers"].as_array().into_iter().flatten();
    workers.filter_map(|worker| worker["state"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed_and_started_again_is_found_and_orders_the_next_storm() {
    let dir = tempfile::tempdir().expect("a directory");
    let (port, web) = (free_port().await, free_port().await);
    let endless =
        "--headless --expect-workers 2 --users 2 --spawn-rate 100 --storm-workers 2 --storm-rate 200 --storm-seconds 600";
    let mut first = master(port, dir.path(), "first", &endless.split(' ').collect::<Vec<_>>());

    let (tell, mut told) = watch::channel(BTreeMap::<(String, u32), Counted>::new());
    let tell = Arc::new(Mutex::new(tell));
    let workers: Vec<_> = (0..2)
        .map(|nth| {
            let mut options = WorkerOptions::new(format!("127.0.0.1:{port}"));
            options.node_id = Some(format!("worker-{nth}"));
            options.retry = Duration::from_millis(100);
            options.report = Duration::from_millis(500);
            let tell = Arc::clone(&tell);
            let tell: synthetic::Tell = Box::new(move |counted| {
                let tell = tell.lock().expect("nobody failed");
                tell.send_modify(|all| drop(all.insert((counted.run.clone(), counted.slice), counted)));
            });
            tokio::spawn(run(options, Arc::new(Synthetic { tell }), CancellationToken::new()))
        })
        .collect();
    let under_way = told.wait_for(|all| all.len() == 2);
    drop(
        tokio::time::timeout(BOUND, under_way)
            .await
            .expect("in time")
            .expect("the storm begins"),
    );
    first.kill().await.expect("it is killed");

    let second = format!("--web-host 127.0.0.1 --web-port {web} --storm-workers 2 --storm-rate 200 --storm-seconds 1");
    let mut second = master(port, dir.path(), "second", &second.split(' ').collect::<Vec<_>>());
    let running = until("the workers come back, their storm still running", || async {
        let stats = requests(web).await?;
        (states(&stats) == ["running", "running"]).then_some(told.borrow().len())
    });
    assert_eq!(running.await, 2, "no other storm was begun");

    // The new master's order ends the old storm, and is carried out to its end.
    let swarm = page(web, "POST /swarm", "user_count=2&spawn_rate=100&host=").await;
    assert!(swarm.is_some_and(|answer| answer.contains("true")), "the storm is ordered");
    let over = told.wait_for(|all| all.len() == 4 && all.values().all(|counted| counted.over.is_some()));
    let all = tokio::time::timeout(BOUND, over)
        .await
        .expect("in time")
        .expect("all end")
        .clone();
    let of = |over| all.values().filter(move |counted| counted.over == Some(over));
    assert_eq!((of("stopped").count(), of("done").count()), (2, 2), "{all:?}");

    let stats = until("the master stops by itself and has everything", || async {
        let stats = requests(web).await?;
        (stats["state"] == "stopped" && states(&stats) == ["ready", "ready"]).then_some(stats)
    })
    .await;
    let total = stats["stats"]
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["name"] == "Aggregated"))
        .expect("the total");
    assert_eq!(
        total["num_requests"],
        of("done").map(|counted| counted.requests).sum::<u64>(),
        "{stats}"
    );
    assert_eq!(
        total["num_failures"],
        of("done").map(|counted| counted.failures).sum::<u64>(),
        "{stats}"
    );
    assert_eq!(total["num_requests"], 200, "nothing of the first storm");

    // A master that goes in order sends its workers home.
    let id = second.id().expect("it runs").to_string();
    // Not Ctrl-C's signal: Python leaves that ignored where these tests run in a shell's background.
    let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
    assert!(asked.success());
    let ended = tokio::time::timeout(BOUND, second.wait()).await.expect("in time");
    assert_eq!(ended.expect("it ends").code(), Some(0));
    for worker in workers {
        let ended = tokio::time::timeout(BOUND, worker).await.expect("in time").expect("no panic");
        assert_eq!(ended.expect("no error"), Ended::ByMaster);
    }
}
