//! Where everything that was delivered lies for a while, and where codes are waited for.
//!
//! It is shared by all journeys of a storm and by the sinks, so it is cut into parts by recipient, each behind a lock of its own, and a
//! letter wakes those alone who wait at its recipient.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use targets::Channel;
use targets::delivery_log::Patterns;
use tokio::sync::Notify;

use super::letter::{Content, Letter, Wanted};
use super::shard::Shard;

/// Parts of the mailbox. With two hundred, two threads that meet at one are rare.
const SHARDS: usize = 256;

/// Everything delivered lately. Clones share it.
#[derive(Clone)]
pub struct Mailbox {
    inner: Arc<Inner>,
}

struct Inner {
    patterns: Patterns,
    keep: Duration,
    hasher: RandomState,
    // Std mutexes: each is held to put or to look, never over an await.
    shards: Vec<Mutex<Shard>>,
    posted: AtomicU64,
    push_codes: AtomicU64,
    email_codes: AtomicU64,
    others: AtomicU64,
    crowded_out: AtomicU64,
    malformed: AtomicU64,
}

/// What came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub push_codes: u64,
    pub email_codes: u64,
    pub others: u64,
    /// Letters that went before their time, since their recipient got too many.
    pub crowded_out: u64,
    /// Calls that made no sense and were answered so.
    pub malformed: u64,
}

impl Mailbox {
    /// An empty mailbox that finds codes and reset tokens by these patterns and keeps letters for this long.
    pub fn new(patterns: Patterns, keep: Duration) -> Self {
        let inner = Inner {
            patterns,
            keep,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            posted: AtomicU64::default(),
            push_codes: AtomicU64::default(),
            email_codes: AtomicU64::default(),
            others: AtomicU64::default(),
            crowded_out: AtomicU64::default(),
            malformed: AtomicU64::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where codes and reset tokens stand.
    pub fn patterns(&self) -> &Patterns {
        &self.inner.patterns
    }

    /// Puts a letter in, and lets some that have aged go. It gets its running number here.
    pub fn post(&self, mut letter: Letter) {
        let inner = &*self.inner;
        letter.number = inner.posted.fetch_add(1, Ordering::Relaxed) + 1;
        let counter = match (&letter.code, letter.channel) {
            (Some(_), Channel::Push) => &inner.push_codes,
            (Some(_), Channel::Email) => &inner.email_codes,
            (None, _) => &inner.others,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let recipient = self.hash(&letter.to);
        let left = self.shard(recipient, |shard| shard.put(recipient, letter, inner.keep));
        inner.crowded_out.fetch_add(u64::from(left.crowded_out), Ordering::Relaxed);
    }

    /// Waits for a letter with a code; `None` when none came in time. Of several that lie there, the newest.
    pub async fn wait(&self, wanted: &Wanted, within: Duration) -> Option<Letter> {
        self.wait_for(wanted, Content::Code, within).await
    }

    /// As [`Mailbox::wait`], for a letter with a reset token.
    pub async fn wait_reset(&self, wanted: &Wanted, within: Duration) -> Option<Letter> {
        self.wait_for(wanted, Content::ResetToken, within).await
    }

    /// What came so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            push_codes: read(&self.inner.push_codes),
            email_codes: read(&self.inner.email_codes),
            others: read(&self.inner.others),
            crowded_out: read(&self.inner.crowded_out),
            malformed: read(&self.inner.malformed),
        }
    }

    /// How many letters lie in it.
    pub fn kept(&self) -> usize {
        self.sum(Shard::letters)
    }

    /// How many places are waited at: one who waits at two recipients counts twice.
    pub fn waiting(&self) -> usize {
        self.sum(Shard::waiting)
    }

    /// Lets everything go that is older, at this moment, than is kept. Nobody has to call it: each letter that comes does a part of it.
    pub fn sweep(&self, now: Instant) {
        for shard in &self.inner.shards {
            lock(shard).sweep(now, self.inner.keep, usize::MAX);
        }
    }

    pub(super) fn note_malformed(&self) {
        self.inner.malformed.fetch_add(1, Ordering::Relaxed);
    }

    async fn wait_for(&self, wanted: &Wanted, content: Content, within: Duration) -> Option<Letter> {
        let deadline = tokio::time::Instant::now() + within;
        // Enlisted before looking, so that what arrives in between still wakes this up.
        let waiter = Waiter::enlist(self, &wanted.to);
        loop {
            let found = waiter.recipients.iter().find_map(|recipient| {
                self.shard(*recipient, |shard| {
                    shard.find(*recipient, |letter| wanted.is(letter, content)).cloned()
                })
            });
            if found.is_some() || tokio::time::timeout_at(deadline, waiter.arrived.notified()).await.is_err() {
                return found;
            }
        }
    }

    fn hash(&self, recipient: &str) -> u64 {
        self.inner.hasher.hash_one(recipient)
    }

    fn shard<T>(&self, recipient: u64, act: impl FnOnce(&mut Shard) -> T) -> T {
        // Bits that the shard's own maps do not lean on.
        act(&mut lock(&self.inner.shards[(recipient >> 32) as usize % SHARDS]))
    }

    fn sum(&self, of: impl Fn(&Shard) -> usize) -> usize {
        self.inner.shards.iter().map(|shard| of(&lock(shard))).sum()
    }
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who waits: struck off the lists when the waiting ends, however it ends.
struct Waiter<'a> {
    mailbox: &'a Mailbox,
    recipients: Vec<u64>,
    arrived: Arc<Notify>,
}

impl<'a> Waiter<'a> {
    fn enlist(mailbox: &'a Mailbox, to: &[String]) -> Self {
        let arrived = Arc::new(Notify::new());
        let recipients: Vec<u64> = to.iter().map(|to| mailbox.hash(to)).collect();
        for recipient in &recipients {
            mailbox.shard(*recipient, |shard| shard.enlist(*recipient, &arrived));
        }
        Self {
            mailbox,
            recipients,
            arrived,
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        for recipient in &self.recipients {
            self.mailbox
                .shard(*recipient, |shard| shard.strike_off(*recipient, &self.arrived));
        }
    }
}

#[cfg(test)]
mod tests;
