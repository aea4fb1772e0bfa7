//! Whether the load tester tells the truth about a service that stalls: mean, p50, p99 and p99.9 beside the truth, which is worked
//! out from the schedule and the stalls alone; the rate that was sent beside the rate asked; and the merged logs of three workers
//! beside one recorder.
//!
//! `cargo run --release -p benches --bin numbers-accuracy`

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use benches::bare::{connect, exchange};
use benches::stub::{Child, Plan, role};
use bytes::Bytes;
use clap::Parser;
use goose::goose::GooseUser;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use loadtest::drive::engine::{
    Aggregator, ClientPolicy, EngineConfig, IterationResult, Recorder, ScheduledAttempt, Stop, Workload, run,
};
use loadtest::measure::StormClock;
use loadtest::measure::{Clock, Ending, Percentiles, Sample, Series, Step, percentiles, read};
use loadtest::plan::arrivals::Arrival;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How long the service takes, and when it stalls: the last second of every ten.
const PLAN: Plan = Plan {
    takes: Duration::from_millis(100),
    stall: Duration::from_secs(1),
    period: Duration::from_secs(10),
};

/// How far a figure may be from the truth.
const WITHIN: f64 = 0.02;

#[derive(Debug, Parser)]
struct Cli {
    /// Arrivals a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Seconds.
    #[arg(long, default_value_t = 40)]
    seconds: u64,
    /// The seed of the schedule.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The role of the service.
    #[arg(long, hide = true)]
    stub: bool,
}

struct Asks {
    address: SocketAddr,
    begun: Arc<AtomicU64>,
}

impl Workload for Asks {
    type Kept = Option<SendRequest<Full<Bytes>>>;

    fn begin(&self) -> Self::Kept {
        None
    }

    async fn walk(
        &self,
        _: &mut GooseUser,
        kept: &mut Self::Kept,
        _: &ScheduledAttempt,
        _: StormClock,
        _: &Recorder,
    ) -> IterationResult {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let asked = async {
            if kept.is_none() {
                *kept = Some(connect(self.address).await?);
            }
            match kept {
                Some(sender) => exchange(sender, "stub", "GET", "/v1/session", None, String::new()).await,
                None => anyhow::bail!("no connection"),
            }
        };
        let asked = asked.await;
        IterationResult {
            ending: if asked.is_ok() {
                Ending::Completed
            } else {
                Ending::Unanswered
            },
            human_us: 0,
            retry_after: None,
            complaint: asked.err().map(|error| format!("{error:#}")),
        }
    }
}

/// Keeps everything three ways: whole, and as three workers that write logs.
struct Keep {
    whole: Series,
    workers: Vec<(Series, Shared)>,
    samples: u64,
}

#[derive(Clone, Default)]
struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Aggregator for Keep {
    fn series(&mut self) -> &mut Series {
        &mut self.whole
    }

    fn sample(&mut self, sample: &Sample) {
        let worker = (self.samples % 3) as usize;
        self.samples += 1;
        self.workers[worker].0.sample(sample);
    }

    fn done(mut self: Box<Self>) -> Series {
        self.workers.iter_mut().for_each(|(series, _)| {
            // It writes into memory.
            let _ = series.finish();
        });
        self.whole
    }
}

/// A Poisson schedule, drawn here rather than taken from what is under test.
fn schedule(cli: &Cli) -> Vec<Arrival> {
    let mut chance = StdRng::seed_from_u64(cli.seed);
    let mut at = 0.0;
    let mut arrivals = Vec::new();
    loop {
        let gap: f64 = chance.random();
        // The first one begins the plan of the service.
        at += if arrivals.is_empty() {
            0.0
        } else {
            -(1.0 - gap).ln() / cli.rate
        };
        if at >= cli.seconds as f64 {
            return arrivals;
        }
        arrivals.push(Arrival {
            nth: arrivals.len() as u64,
            at: Duration::from_secs_f64(at),
            class: 0,
            identity: 0,
        });
    }
}

fn truth(arrivals: &[Arrival]) -> [f64; 4] {
    let mut ms: Vec<f64> = arrivals
        .iter()
        .map(|arrival| PLAN.service(arrival.at).as_secs_f64() * 1000.0)
        .collect();
    ms.sort_by(f64::total_cmp);
    let at = |quantile: f64| ms[((quantile * ms.len() as f64).ceil() as usize).clamp(1, ms.len()) - 1];
    [ms.iter().sum::<f64>() / ms.len() as f64, at(0.5), at(0.99), at(0.999)]
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    if cli.stub {
        runtime.block_on(role(PLAN))?;
        return Ok(ExitCode::SUCCESS);
    }
    let service = Child::start(&["--stub"])?;
    runtime.block_on(measure(&cli, service.address))
}

async fn measure(cli: &Cli, address: SocketAddr) -> anyhow::Result<ExitCode> {
    let arrivals = schedule(cli);
    let truth = truth(&arrivals);
    let begun = Arc::new(AtomicU64::new(0));
    let workload = Arc::new(Asks {
        address,
        begun: Arc::clone(&begun),
    });
    let config = EngineConfig {
        host: format!("http://{address}"),
        users: (cli.rate * 1.5) as usize + 50,
        policies: vec![ClientPolicy {
            name: "asks".to_owned(),
            patience: Duration::from_secs(60),
            retry: None,
        }],
        drain: Duration::from_secs(10),
        seed: cli.seed,
        goose_report: None,
        start_at: None,
    };
    let logs: Vec<Shared> = (0..3).map(|_| Shared::default()).collect();
    let workers = logs
        .iter()
        .map(|log| {
            Ok((
                Series::logging(Box::new(log.clone()), std::time::SystemTime::now())?,
                log.clone(),
            ))
        })
        .collect::<std::io::Result<_>>()?;
    let keep = Keep {
        whole: Series::default(),
        workers,
        samples: 0,
    };
    let last = arrivals.last().map_or(Duration::ZERO, |arrival| arrival.at);
    let sent_in_time = tokio::spawn({
        let begun = Arc::clone(&begun);
        async move {
            // From the first request to the last one's instant, and a moment for it to leave.
            while begun.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(last + Duration::from_millis(10)).await;
            begun.load(Ordering::Relaxed)
        }
    });
    let asked = arrivals.len() as f64;
    let (_, data) = run(workload, arrivals.into_iter(), config, Box::new(keep), Stop::default()).await?;
    let sent = sent_in_time.await? as f64;
    let response = percentiles(&data.series.responses(0..u32::MAX, |_| true));
    let lag = percentiles(&data.series.total(|key| key.clock == Clock::Lag && key.step == Step::Flow));
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "a service that takes 100 ms and stalls for 1 s every 10 s; {asked} arrivals at {} a second",
        cli.rate
    )?;
    writeln!(
        out,
        "{:<22}{:>12}{:>12}{:>10}",
        "response time, ms", "truth", "reported", "off by"
    )?;
    let found = [response.mean_ms, response.p50_ms, response.p99_ms, response.p999_ms];
    let mut good = true;
    for ((name, truth), found) in ["mean", "p50", "p99", "p99.9"].iter().zip(truth).zip(found) {
        let off = found / truth - 1.0;
        good &= off.abs() <= WITHIN;
        writeln!(out, "{name:<22}{truth:>12.1}{found:>12.1}{:>9.2}%", off * 100.0)?;
    }
    good &= sent / asked >= 0.999 && lag.p99_ms < 5.0;
    writeln!(out, "sent in time / asked   {:.4}   (at least 0.999)", sent / asked)?;
    writeln!(out, "scheduling delay p99          {:.2} ms (under 5)", lag.p99_ms)?;
    let merged = merged(&logs)?;
    let same = merged == response;
    good &= same;
    let rendered = if same { "the same, every figure" } else { "NOT the same" };
    writeln!(
        out,
        "three workers' logs merged, beside one recorder: {rendered} (p99.9 {:.1} and {:.1})",
        merged.p999_ms, response.p999_ms
    )?;
    writeln!(out, "{}", if good { "met" } else { "NOT met" })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn merged(logs: &[Shared]) -> anyhow::Result<Percentiles> {
    let mut merged = Series::default();
    for log in logs {
        let log = log.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        for interval in read(&log) {
            merged.absorb(&interval?);
        }
    }
    Ok(percentiles(&merged.responses(0..u32::MAX, |_| true)))
}
