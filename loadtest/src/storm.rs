//! An open loop on Goose. A thread of its own offers each arrival at its scheduled instant, whatever the service does; Goose's
//! users take arrivals and walk the journey. Goose's types stay in this file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use goose::GooseAttack;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction};
use targets::{Native, Target};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::embedded::{PASSWORD, email};
use crate::figures::{Ending, Figures, Measure, Moments};
use crate::old_arrivals::Arrival;
use crate::old_journey::new_device;

/// How long Goose has for starting its users.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long after the last arrival the queue is still worked on; what waits longer is abandoned.
const DRAIN: Duration = Duration::from_secs(30);

/// How long one journey may take.
const JOURNEY_WITHIN: Duration = Duration::from_secs(45);

/// What the users share.
struct Shared {
    target: Arc<Native>,
    accounts: usize,
    // Taken one at a time, in order: a user holds the lock only while it waits for the next arrival.
    queue: tokio::sync::Mutex<UnboundedReceiver<Arrival>>,
    ready: AtomicUsize,
    begun: OnceLock<Instant>,
    last: Duration,
    // A std mutex: held to enter one arrival, never over an await.
    measure: Mutex<Measure>,
}

/// Runs the storm with this many Goose users to walk it.
pub(crate) async fn run(target: Arc<Native>, arrivals: Vec<Arrival>, accounts: usize, users: usize) -> anyhow::Result<Figures> {
    let (offer, queue) = unbounded_channel();
    let host = target.origin().to_owned();
    let offered = arrivals.len();
    let shared = Arc::new(Shared {
        target,
        accounts,
        queue: tokio::sync::Mutex::new(queue),
        ready: AtomicUsize::new(0),
        begun: OnceLock::new(),
        last: arrivals.last().map_or(Duration::ZERO, |arrival| arrival.at),
        measure: Mutex::new(Measure::new(offered)?),
    });
    let schedule = std::thread::Builder::new().name("schedule".to_owned()).spawn({
        let shared = Arc::clone(&shared);
        move || keep_schedule(&shared, arrivals, users, &offer)
    })?;
    let metrics = GooseAttack::initialize_with_config(configuration(&host, users))?
        .register_scenario(Scenario::new("new device").register_transaction(drive(Arc::clone(&shared))))
        .execute()
        .await
        .context("Goose gave up")?;
    if schedule.join().is_err() {
        bail!("the schedule broke off");
    }
    if shared.begun.get().is_none() {
        bail!(
            "only {} of {users} users were ready in time",
            shared.ready.load(Ordering::SeqCst)
        );
    }
    let figures = shared.measure.lock().unwrap_or_else(PoisonError::into_inner).figures();
    // Goose's own count of journeys is a second opinion on ours.
    let walked: usize = metrics
        .requests
        .values()
        .map(|request| request.success_count + request.fail_count)
        .sum();
    if u64::try_from(walked)? != figures.completed + figures.failed || !figures.add_up() {
        bail!("the counts do not add up: Goose saw {walked} journeys, {figures:?}");
    }
    Ok(figures)
}

/// Each user walks the scenario once, and that is the whole storm. Nothing listens; all that Goose prints is how many users it
/// launched, which it cannot be told to leave out.
fn configuration(host: &str, users: usize) -> GooseConfiguration {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(host.to_owned());
    configuration.users = Some(users);
    configuration.increase_rate = Some("1000".to_owned());
    configuration.iterations = Some(1);
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_telnet = true;
    configuration
}

/// Offers each arrival at its instant. Dropping the sender at the end closes the queue, and with it the storm.
fn keep_schedule(shared: &Shared, arrivals: Vec<Arrival>, users: usize, offer: &UnboundedSender<Arrival>) {
    let asked = Instant::now();
    while shared.ready.load(Ordering::SeqCst) < users {
        if asked.elapsed() > READY_WITHIN {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = *shared.begun.get_or_init(Instant::now);
    for arrival in arrivals {
        std::thread::sleep(arrival.at.saturating_sub(begun.elapsed()));
        if offer.send(arrival).is_err() {
            return;
        }
    }
}

fn drive(shared: Arc<Shared>) -> Transaction {
    Transaction::new(Arc::new(move |user| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            shared.ready.fetch_add(1, Ordering::SeqCst);
            loop {
                let next = shared.queue.lock().await.recv().await;
                let Some(arrival) = next else { return Ok(()) };
                take(&shared, user, arrival).await;
            }
        })
    }))
}

async fn take(shared: &Shared, user: &mut GooseUser, arrival: Arrival) {
    let Some(begun) = shared.begun.get() else { return };
    let started = begun.elapsed();
    let ending = if started > shared.last + DRAIN {
        Ending::Abandoned
    } else {
        walk(shared, arrival).await
    };
    let moments = Moments {
        scheduled: arrival.at,
        started,
        ended: begun.elapsed(),
    };
    shared
        .measure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .record(moments, ending);
    if ending != Ending::Abandoned {
        let response = moments.ended.saturating_sub(moments.scheduled);
        let completed = ending == Ending::Completed;
        let error = (!completed).then_some("broken off");
        // An error of this call is the failure that it was just told, handed back for the transaction.
        let _ = user
            .record_custom_request_duration("FLOW", "new device", response, completed, None, error)
            .await;
    }
}

async fn walk(shared: &Shared, arrival: Arrival) -> Ending {
    let email = email(arrival.nth % shared.accounts);
    let journey = new_device(shared.target.as_ref(), arrival.nth, &email, PASSWORD);
    let complaint = match tokio::time::timeout(JOURNEY_WITHIN, journey).await {
        Ok(Ok(())) => return Ending::Completed,
        Ok(Err(broken_off)) => broken_off.to_string(),
        Err(_) => format!("not done within {} s", JOURNEY_WITHIN.as_secs()),
    };
    let complaint = format!("arrival {}: {complaint}", arrival.nth);
    shared
        .measure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .complain(complaint);
    Ending::Failed
}
