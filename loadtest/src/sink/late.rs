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

#[cfg(test)]
mod tests {
    use super::*;
    use targets::Channel;

    #[tokio::test(start_paused = true)]
    async fn letters_arrive_when_they_are_due_in_whatever_order_they_were_sent() {
        let (late, start) = (Late::default(), Instant::now());
        let mailbox = Mailbox::new(targets::Patterns::default(), Duration::from_secs(60));
        let carrying = tokio::spawn({
            let (late, mailbox) = (late.clone(), mailbox.clone());
            async move { late.carry(&mailbox).await }
        });
        let mut arrivals = Vec::new();
        let send = |to: &str, after| {
            let code = Some("1".into());
            let letter = Letter {
                code,
                ..Letter::new(Channel::Email, to)
            };
            late.send(letter, Duration::from_secs(after));
        };
        send("b", 5);
        tokio::task::yield_now().await;
        send("a", 2);
        send("c", 7);
        for to in ["a", "b", "c"] {
            let wanted = crate::sink::Wanted::new(vec![to.into()], std::time::Instant::now());
            let letter = mailbox.wait(&wanted, Duration::from_secs(60)).await.unwrap();
            arrivals.push((letter.to.to_string(), start.elapsed().as_secs()));
        }
        carrying.abort();
        let expected = [("a", 2), ("b", 5), ("c", 7)];
        assert_eq!(arrivals, expected.map(|(to, after)| (to.to_owned(), after)));
    }
}
