//! The open loop by itself: what is walked here is a delay, so that everything that comes out is the engine's own doing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loadtest::drive::engine::{Cut, Due, Gatherer, Manners, Orders, Ran, Recorder, Stop, Walker, Went, run};
use loadtest::measure::Gathered;
use loadtest::measure::StormClock;
use loadtest::measure::{Clock, Ending, Series, percentiles};
use loadtest::plan::arrivals::Arrival;
use loadtest::plan::scenario::{Jitter, Retry};
use tokio::sync::{Mutex, Semaphore};

/// Goose runs one attack at a time in a process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

type Answer = fn(&Due) -> Went;

/// A service that does one thing after another, each for this long.
struct Slow {
    one: Semaphore,
    takes: Duration,
    answer: Answer,
    walked: AtomicU64,
}

impl Walker for Slow {
    type Kept = ();

    fn begin(&self) {}

    async fn walk(&self, (): &mut (), due: &Due, _: StormClock, _: &mut Recorder) -> Went {
        let _one = self.one.acquire().await.unwrap();
        tokio::time::sleep(self.takes).await;
        self.walked.fetch_add(1, Ordering::SeqCst);
        (self.answer)(due)
    }
}

#[derive(Default)]
struct Keep(Series);

impl Gatherer for Keep {
    fn series(&mut self) -> &mut Series {
        &mut self.0
    }

    fn done(self: Box<Self>) -> Series {
        self.0
    }
}

fn went(ending: Ending) -> Went {
    Went {
        ending,
        human_us: 0,
        retry_after: None,
        complaint: (ending != Ending::Completed).then(|| "turned away".to_owned()),
    }
}

fn completed(_: &Due) -> Went {
    went(Ending::Completed)
}

fn every(gap: Duration, count: u64) -> impl Iterator<Item = Arrival> + Send {
    (0..count).map(move |nth| Arrival {
        nth,
        at: gap * nth as u32,
        party: 0,
        identity: nth,
    })
}

fn orders(users: usize, patience: Duration, retry: Option<Retry>) -> Orders {
    Orders {
        host: "http://127.0.0.1:1".to_owned(),
        users,
        manners: vec![Manners {
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
    orders: Orders,
    stop: Stop,
) -> (Ran, Gathered) {
    let _one = ONE_AT_A_TIME.lock().await;
    run(Arc::clone(service), schedule, orders, Box::new(Keep::default()), stop)
        .await
        .unwrap()
}

fn endings(gathered: &Gathered) -> BTreeMap<Ending, u64> {
    gathered.series.endings(0..u32::MAX, |_| true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_before_a_start_is_in_the_response_and_not_in_the_service() {
    // One at a time, ten milliseconds each, one due every two: the last of a hundred waits for most of a second.
    let service = slow(Duration::from_millis(10), 1, completed);
    let schedule = every(Duration::from_millis(2), 100);
    let (ran, gathered) = storm(&service, schedule, orders(1, Duration::from_secs(60), None), Stop::default()).await;
    assert_eq!(endings(&gathered), BTreeMap::from([(Ending::Completed, 100)]));
    let response = percentiles(&gathered.series.responses(0..u32::MAX, |_| true));
    let of = |clock| percentiles(&gathered.series.total(|key| key.clock == clock));
    assert!(response.max_ms > 700.0, "{response:?}");
    assert!(of(Clock::Lag).max_ms > 600.0, "{:?}", of(Clock::Lag));
    // The last waited for all the others, of which half took longer than the middle one.
    assert!(
        of(Clock::Service).p50_ms * 10.0 < of(Clock::Lag).max_ms,
        "{:?}",
        of(Clock::Service)
    );
    assert!(ran.found_nobody_free > 50, "{ran:?}");
    assert_eq!((ran.offered, ran.goose_counted, ran.cut), (100, 100, Cut::No));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_longer_than_their_patience_gives_up_and_is_counted() {
    // The first keeps the one user busy for longer than the last of the others has patience.
    let patience = Duration::from_secs(3);
    let service = slow(patience + Duration::from_millis(200), 1, completed);
    let schedule = every(Duration::from_millis(1), 100);
    let (ran, gathered) = storm(&service, schedule, orders(1, patience, None), Stop::default()).await;
    let wanted = BTreeMap::from([(Ending::Completed, 1), (Ending::Abandoned, 99)]);
    assert_eq!((endings(&gathered), ran.offered), (wanted, 100));
    assert_eq!(service.walked.load(Ordering::SeqCst), 1);
    assert_eq!(ran.goose_counted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_away_comes_again_and_ends_once() {
    let answer: Answer = |due| match (due.arrival.nth % 2, due.attempt) {
        // Odd ones get in at the third attempt, even ones never.
        (1, 3) => went(Ending::Completed),
        _ => went(Ending::Limited),
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
    let (ran, gathered) = storm(&service, schedule, orders(20, patience, Some(retry)), Stop::default()).await;
    let wanted = BTreeMap::from([(Ending::Completed, 25), (Ending::Limited, 25)]);
    assert_eq!((endings(&gathered), ran.cut), (wanted, Cut::No));
    assert_eq!(service.walked.load(Ordering::SeqCst), 25 * 3 + 25 * 4);
    // The delays double: 20 and 40 ms before the third attempt.
    let in_time = gathered.series.responses(0..u32::MAX, |key| key.ending == Ending::Completed);
    assert!(in_time.min() >= 59_000, "{}", in_time.min());
    assert_eq!(gathered.complaints.len(), 5, "only the first few");
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
    let (ran, gathered) = storm(&service, schedule, orders(10, Duration::from_secs(60), None), stop).await;
    watch.await.unwrap();
    let endings = endings(&gathered);
    assert_eq!(ran.cut, Cut::Interrupted);
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
        let orders = orders(5, Duration::from_secs(60), None);
        let (ran, gathered) = storm(&service, schedule, orders, stop.clone()).await;
        assert_eq!(
            (ran.cut, endings(&gathered)),
            (Cut::No, BTreeMap::from([(Ending::Completed, 20)]))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_still_waits_at_the_end_of_the_drain_is_counted() {
    // All of them would take two minutes.
    let service = slow(Duration::from_millis(1_200), 1, completed);
    let schedule = every(Duration::from_millis(1), 100);
    let mut orders = orders(2, Duration::from_secs(60), None);
    orders.drain = Duration::from_millis(400);
    let (ran, gathered) = storm(&service, schedule, orders, Stop::default()).await;
    let endings = endings(&gathered);
    assert_eq!((ran.cut, endings.values().sum::<u64>()), (Cut::DrainOver, 100), "{endings:?}");
    assert!(endings[&Ending::Abandoned] > 50, "{endings:?}");
    assert!(ran.took < Duration::from_secs(60), "{ran:?}");
}
