//! The thread that keeps the schedule: it offers each arrival, and each further attempt, at its instant, and measures how late
//! it was itself.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc::UnboundedSender;

use super::{ScheduledAttempt, Stop, StopReason};
use crate::measure::StormClock;
use crate::measure::{count, histogram};
use crate::plan::arrivals::Arrival;

/// How often the end is looked for once everybody has come.
const LOOK: Duration = Duration::from_millis(5);

/// Counts that the scheduler, the users and the collector share.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) offered: AtomicU64,
    pub(crate) begun: AtomicU64,
    /// Attempts offered and not yet begun.
    pub(crate) waiting: AtomicU64,
    pub(crate) under_way: AtomicU64,
    /// Arrivals that have not ended yet, those that wait for a further attempt included.
    pub(crate) outstanding: AtomicU64,
    /// Attempts that found every user busy.
    pub(crate) vus_exhausted: AtomicU64,
}

/// What the scheduler came to.
pub(crate) struct Kept {
    pub(crate) lag: Histogram<u64>,
    pub(crate) last_due: Duration,
}

pub(crate) struct Scheduler<I: Iterator<Item = Arrival>> {
    pub(crate) schedule: Peekable<I>,
    pub(crate) again: Receiver<ScheduledAttempt>,
    pub(crate) offer: UnboundedSender<ScheduledAttempt>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) users: u64,
    pub(crate) drain: Duration,
    pub(crate) stop: Stop,
}

impl<I: Iterator<Item = Arrival>> Scheduler<I> {
    /// Keeps the schedule until everybody has come and gone, the drain is over, or the storm is stopped. When this returns
    /// the queue is closed, because the way to it is dropped.
    pub(crate) fn keep(mut self, clock: StormClock) -> Kept {
        let mut lag = histogram();
        let mut later: BinaryHeap<Reverse<(u64, u64, Waiting)>> = BinaryHeap::new();
        let mut last_due = Duration::ZERO;
        let mut over_at: Option<u64> = None;
        loop {
            if self.stop.why() != StopReason::No {
                break;
            }
            let fresh = self.schedule.peek().map(|arrival| us(arrival.at));
            let again = later.peek().map(|Reverse((at, ..))| *at);
            if fresh.is_none() && over_at.is_none() {
                over_at = Some(us(last_due) + us(self.drain));
            }
            if let Some(over_at) = over_at {
                if self.counts.outstanding.load(Ordering::Acquire) == 0 {
                    break;
                }
                if clock.now_us() >= over_at {
                    self.stop.stop(StopReason::DrainOver);
                    break;
                }
            }
            let next = [fresh, again].into_iter().flatten().min();
            // Woken early enough to see a stop, and at the end of the drain that everybody has gone.
            let most = if over_at.is_some() { LOOK } else { Duration::from_millis(50) };
            let wait = next.map_or(most, |at| {
                clock.moment(at).saturating_duration_since(Instant::now()).min(most)
            });
            if !wait.is_zero() {
                match self.again.recv_timeout(wait) {
                    Ok(due) => later.push(Reverse((due.at_us, due.arrival.nth, Waiting(due)))),
                    Err(RecvTimeoutError::Timeout) => {}
                    // The users are gone: nothing can be walked any more.
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                continue;
            }
            while let Ok(due) = self.again.try_recv() {
                later.push(Reverse((due.at_us, due.arrival.nth, Waiting(due))));
            }
            let due = match (fresh, again) {
                (Some(fresh), Some(again)) if again < fresh => later.pop().map(|Reverse((.., Waiting(due)))| due),
                (None, Some(_)) => later.pop().map(|Reverse((.., Waiting(due)))| due),
                _ => self.schedule.next().map(|arrival| {
                    last_due = arrival.at;
                    self.counts.offered.fetch_add(1, Ordering::Relaxed);
                    self.counts.outstanding.fetch_add(1, Ordering::AcqRel);
                    ScheduledAttempt {
                        arrival,
                        attempt: 1,
                        at_us: us(arrival.at),
                        found_free: true,
                    }
                }),
            };
            let Some(mut due) = due else { continue };
            count(&mut lag, clock.now_us().saturating_sub(due.at_us));
            let waiting = self.counts.waiting.fetch_add(1, Ordering::AcqRel);
            due.found_free = waiting + self.counts.under_way.load(Ordering::Relaxed) < self.users;
            if !due.found_free {
                self.counts.vus_exhausted.fetch_add(1, Ordering::Relaxed);
            }
            if self.offer.send(due).is_err() {
                break;
            }
        }
        Kept { lag, last_due }
    }
}

/// A further attempt in the heap, which orders by time and number alone.
struct Waiting(ScheduledAttempt);

impl PartialEq for Waiting {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
