//! Letters under way: accepted, and not yet in the mailbox.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::letter::Letter;
use super::mailbox::Mailbox;

/// What is under way. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Late {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    // A std mutex: held to put or to take, never over an await.
    heap: Mutex<BinaryHeap<Reverse<UnderWay>>>,
    earlier: Notify,
}

struct UnderWay {
    due: Instant,
    letter: Letter,
}

impl Late {
    /// Sends a letter on its way.
    pub(super) fn send(&self, letter: Letter, after: Duration) {
        let due = Instant::now() + after;
        let is_first = self.with(|heap| {
            let is_first = heap.peek().is_none_or(|Reverse(first)| due < first.due);
            heap.push(Reverse(UnderWay { due, letter }));
            is_first
        });
        if is_first {
            self.shared.earlier.notify_one();
        }
    }

    /// Puts letters into the mailbox as they fall due, for as long as it is polled.
    pub(super) async fn carry(&self, mailbox: &Mailbox) {
        loop {
            let now = Instant::now();
            while let Some(mut letter) = self.take_due(now) {
                letter.at = std::time::Instant::now();
                mailbox.post(letter);
            }
            let earlier = self.shared.earlier.notified();
            match self.with(|heap| heap.peek().map(|Reverse(first)| first.due)) {
                Some(due) => drop(tokio::time::timeout_at(due, earlier).await),
                None => earlier.await,
            }
        }
    }

    fn take_due(&self, now: Instant) -> Option<Letter> {
        self.with(|heap| {
            heap.peek().filter(|Reverse(first)| first.due <= now)?;
            heap.pop().map(|Reverse(first)| first.letter)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut BinaryHeap<Reverse<UnderWay>>) -> T) -> T {
        act(&mut self.shared.heap.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for UnderWay {}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}
