//! Room for connections where files are few: each holds a slot, and an idle one makes room for a phone that has something to ask.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Open;

/// Leave to hold one connection. Given back when it is dropped.
pub(super) type Slot = OwnedSemaphorePermit;

/// The slots of all lines to a service.
pub(super) struct Slots {
    many: usize,
    free: Arc<Semaphore>,
    // A std mutex: held to put or to take, never over an await.
    idle: Mutex<Idle>,
    waited: AtomicU64,
}

/// Connections that nobody uses at the moment, the longest idle first. There are none while somebody waits.
#[derive(Default)]
struct Idle {
    by_key: BTreeMap<u64, Open>,
    next: u64,
    waiting: usize,
}

impl Slots {
    pub(super) fn new(many: usize) -> Self {
        let many = many.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            many,
            free: Arc::new(Semaphore::new(many)),
            idle: Mutex::default(),
            waited: AtomicU64::new(0),
        }
    }

    /// A slot: a free one, that of the connection that was idle for the longest, or the next that is given back.
    pub(super) async fn take(&self) -> Option<Slot> {
        let waiting = {
            let mut idle = self.idle();
            if self.free.available_permits() == 0 {
                // Closed, it gives its slot back.
                drop(idle.by_key.pop_first());
            }
            if let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(slot);
            }
            idle.waiting += 1;
            Waiting(self)
        };
        self.waited.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::clone(&self.free).acquire_owned().await.ok();
        drop(waiting);
        slot
    }

    /// Keeps a connection until it is asked for again, by this key, or its slot is needed. It is closed where somebody waits.
    pub(super) fn park(&self, open: Open) -> Option<u64> {
        let mut idle = self.idle();
        if idle.waiting > 0 {
            return None;
        }
        let key = idle.next;
        idle.next += 1;
        idle.by_key.insert(key, open);
        Some(key)
    }

    /// The connection, unless it was closed meanwhile.
    pub(super) fn unpark(&self, key: u64) -> Option<Open> {
        self.idle().by_key.remove(&key)
    }

    /// How many there are.
    pub(super) fn many(&self) -> usize {
        self.many
    }

    /// How often somebody had to wait.
    pub(super) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits, until they have a slot or gave up.
struct Waiting<'a>(&'a Slots);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.idle().waiting -= 1;
    }
}
