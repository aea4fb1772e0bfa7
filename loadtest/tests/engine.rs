//! The open loop by itself: what is walked here is a delay, so that everything that comes out is the engine's own doing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use goose::goose::GooseUser;
use loadtest::drive::engine::{
    Aggregator, ClientPolicy, EngineConfig, IterationResult, Ran, Recorder, ScheduledAttempt, Stop, StopReason, Workload, run,
};
use loadtest::measure::RunData;
use loadtest::measure::StormClock;
use loadtest::measure::{Clock, Ending, Series, percentiles};
use loadtest::plan::arrivals::Arrival;
use loadtest::plan::scenario::{Jitter, Retry};
use tokio::sync::{Mutex, Semaphore};

/// Goose runs one attack at a time in a process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

type Answer = fn(&ScheduledAttempt) -> IterationResult;

/// A service that does one thing after another, each for this long.
struct Slow {
    one: Semaphore,
    takes: Duration,
    answer: Answer,
    walked: AtomicU64,
}

impl Workload for Slow {
    type Kept = ();

    fn begin(&self) {}

    async fn walk(&self, _: &mut GooseUser, (): &mut (), due: &ScheduledAttempt, _: StormClock, _: &Recorder) -> IterationResult {
        let _one = self.one.acquire().await.unwrap();
        tokio::time::sleep(self.takes).await;
        self.walked.fetch_add(1, Ordering::SeqCst);
        (self.answer)(due)
    }
}

#[derive(Default)]
struct Keep(Series);

impl Aggregator for Keep {
    fn series(&mut self) -> &mut Series {
        &mut self.0
    }

    fn done(self: Box<Self>) -> Series {
        self.0
    }
}

fn result(ending: Ending) -> IterationResult {
    IterationResult {
        ending,
        human_us: 0,
        retry_after: None,
        complaint: (ending != Ending::Completed).then(|| "turned away".to_owned()),
    }
}

fn completed(_: &ScheduledAttempt) -> IterationResult {
    result(Ending::Completed)
}

fn every(gap: Duration, count: u64) -> impl Iterator<Item = Arrival> + Send {
    (0..count).map(move |nth| Arrival {
        nth,
        at: gap * nth as u32,
        class: 0,
        identity: nth,
    })
}

fn config(users: usize, patience: Duration, retry: Option<Retry>) -> EngineConfig {
    EngineConfig {
        host: "http://127.0.0.1:1".to_owned(),
        users,
        policies: vec![ClientPolicy {
            name: "people".to_owned(),
            patience,
            retry,
        }],
        // Never over where a test does not want it to be, however slow the machine is.
        drain: Duration::from_secs(600),
        seed: 7,
        goose_report: None,
        start_at: None,
    }
}

fn slow(takes: Duration, at_once: usize, answer: Answer) -> Arc<Slow> {
    Arc::new(Slow {
        one: Semaphore::new(at_once),
        takes,
        answer,
        walked: AtomicU64::new(0),
    })
}

async fn storm(
    service: &Arc<Slow>,
    schedule: impl Iterator<Item = Arrival> + Send + 'static,
    config: EngineConfig,
    stop: Stop,
) -> (Ran, RunData) {
    let _one = ONE_AT_A_TIME.lock().await;
    run(Arc::clone(service), schedule, config, Box::new(Keep::default()), stop)
        .await
        .unwrap()
}

fn endings(data: &RunData) -> BTreeMap<Ending, u64> {
    data.series.endings(0..u32::MAX, |_| true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_before_a_start_is_in_the_response_and_not_in_the_service() {
    // One at a time, ten milliseconds each, one due every two: the last of a hundred waits for most of a second.
    let service = slow(Duration::from_millis(10), 1, completed);
    let schedule = every(Duration::from_millis(2), 100);
    let (ran, data) = storm(&service, schedule, config(1, Duration::from_secs(60), None), Stop::default()).await;
    assert_eq!(endings(&data), BTreeMap::from([(Ending::Completed, 100)]));
    let response = percentiles(&data.series.responses(0..u32::MAX, |_| true));
    let of = |clock| percentiles(&data.series.total(|key| key.clock == clock));
    assert!(response.max_ms > 700.0, "{response:?}");
    assert!(of(Clock::Lag).max_ms > 600.0, "{:?}", of(Clock::Lag));
    // The last waited for all the others, of which half took longer than the middle one.
    assert!(
        of(Clock::Service).p50_ms * 10.0 < of(Clock::Lag).max_ms,
        "{:?}",
        of(Clock::Service)
    );
    assert!(ran.vus_exhausted > 50, "{ran:?}");
    assert_eq!((ran.offered, ran.goose_counted, ran.stop_reason), (100, 100, StopReason::No));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_longer_than_their_patience_gives_up_and_is_counted() {
    // The first keeps the one user busy for longer than the last of the others has patience.
    let patience = Duration::from_secs(3);
    let service = slow(patience + Duration::from_millis(200), 1, completed);
    let schedule = every(Duration::from_millis(1), 100);
    let (ran, data) = storm(&service, schedule, config(1, patience, None), Stop::default()).await;
    let wanted = BTreeMap::from([(Ending::Completed, 1), (Ending::Abandoned, 99)]);
    assert_eq!((endings(&data), ran.offered), (wanted, 100));
    assert_eq!(service.walked.load(Ordering::SeqCst), 1);
    assert_eq!(ran.goose_counted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_away_comes_again_and_ends_once() {
    let answer: Answer = |due| match (due.arrival.nth % 2, due.attempt) {
        // Odd ones get in at the third attempt, even ones never.
        (1, 3) => result(Ending::Completed),
        _ => result(Ending::Limited),
    };
    let retry = Retry {
        attempts: 4,
        delay_s: 0.02,
        jitter: Jitter::None,
        honours_retry_after: false,
    };
    let service = slow(Duration::from_micros(1), 50, answer);
    let schedule = every(Duration::from_millis(1), 50);
    let patience = Duration::from_secs(60);
    let (ran, data) = storm(&service, schedule, config(20, patience, Some(retry)), Stop::default()).await;
    let wanted = BTreeMap::from([(Ending::Completed, 25), (Ending::Limited, 25)]);
    assert_eq!((endings(&data), ran.stop_reason), (wanted, StopReason::No));
    assert_eq!(service.walked.load(Ordering::SeqCst), 25 * 3 + 25 * 4);
    // The delays double: 20 and 40 ms before the third attempt.
    let in_time = data.series.responses(0..u32::MAX, |key| key.ending == Ending::Completed);
    assert!(in_time.min() >= 59_000, "{}", in_time.min());
    assert_eq!(data.complaints.len(), 5, "only the first few");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_that_is_stopped_tells_what_was_under_way() {
    // The fortieth who is answered stops it; four are under way at a time.
    let answer: Answer = completed;
    let service = slow(Duration::from_millis(5), 4, answer);
    let stop = Stop::default();
    let watch = tokio::spawn({
        let (service, stop) = (Arc::clone(&service), stop.clone());
        async move {
            while service.walked.load(Ordering::SeqCst) < 40 {
                tokio::task::yield_now().await;
            }
            stop.now();
        }
    });
    let schedule = every(Duration::from_millis(1), 1_000_000);
    let (ran, data) = storm(&service, schedule, config(10, Duration::from_secs(60), None), stop).await;
    watch.await.unwrap();
    let endings = endings(&data);
    assert_eq!(ran.stop_reason, StopReason::Interrupted);
    assert_eq!(endings.values().sum::<u64>(), ran.offered, "{endings:?}");
    assert!(
        endings[&Ending::Interrupted] > 0 && endings[&Ending::Completed] >= 40,
        "{endings:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_one_storm_is_not_the_end_of_the_next() {
    let stop = Stop::default();
    for _ in 0..2 {
        let service = slow(Duration::from_millis(1), 10, completed);
        let schedule = every(Duration::from_millis(1), 20);
        let config = config(5, Duration::from_secs(60), None);
        let (ran, data) = storm(&service, schedule, config, stop.clone()).await;
        assert_eq!(
            (ran.stop_reason, endings(&data)),
            (StopReason::No, BTreeMap::from([(Ending::Completed, 20)]))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_still_waits_at_the_end_of_the_drain_is_counted() {
    // All of them would take two minutes.
    let service = slow(Duration::from_millis(1_200), 1, completed);
    let schedule = every(Duration::from_millis(1), 100);
    let mut config = config(2, Duration::from_secs(60), None);
    config.drain = Duration::from_millis(400);
    let (ran, data) = storm(&service, schedule, config, Stop::default()).await;
    let endings = endings(&data);
    assert_eq!(
        (ran.stop_reason, endings.values().sum::<u64>()),
        (StopReason::DrainOver, 100),
        "{endings:?}"
    );
    assert!(endings[&Ending::Abandoned] > 50, "{endings:?}");
    assert!(ran.took < Duration::from_secs(60), "{ran:?}");
}
