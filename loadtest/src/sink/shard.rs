//! One part of the mailbox: letters in the order of their arrival, each linked to the recipient's one before it.
//!
//! Arrival order is also the order in which they leave, so one queue is the store and the expiry both, and a recipient costs no more
//! than an entry in a map. Recipients are known by their hash here: two that share one share a chain, and letters are told apart by
//! their full recipient when somebody looks.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::letter::Letter;

/// Letters of one recipient that are kept; of more the oldest goes.
pub(super) const MOST_PER_RECIPIENT: usize = 32;
/// Aged letters that leave with each one that comes: more than one, so that a backlog shrinks, and few, so that none waits for it.
const SWEPT_AT_ONCE: usize = 8;
/// Room for so many letters is never given back.
const SMALL: usize = 1024;

#[derive(Default)]
pub(super) struct Shard {
    slots: VecDeque<Slot>,
    /// The place of the first slot, counted from the beginning of time.
    first: u64,
    letters: usize,
    newest: ByHash<u64>,
    waiting: ByHash<Vec<Arc<Notify>>>,
}

struct Slot {
    recipient: u64,
    /// The place of the recipient's letter before this one; one that has left may still be named.
    before: Option<u64>,
    at: Instant,
    /// Nothing, once it had to go before its time.
    letter: Option<Letter>,
}

/// What became of older letters when one came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) aged: usize,
    pub(super) crowded_out: bool,
}

impl Shard {
    pub(super) fn letters(&self) -> usize {
        self.letters
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(Vec::len).sum()
    }

    /// Puts a letter in and wakes who waits at its recipient.
    pub(super) fn put(&mut self, recipient: u64, letter: Letter, keep: Duration) -> Left {
        let at = letter.at;
        let place = self.first + self.slots.len() as u64;
        let before = self.newest.insert(recipient, place);
        self.slots.push_back(Slot {
            recipient,
            before,
            at,
            letter: Some(letter),
        });
        self.letters += 1;
        let crowded_out = self.make_room(place);
        for waiter in self.waiting.get(&recipient).into_iter().flatten() {
            waiter.notify_one();
        }
        Left {
            aged: self.sweep(at, keep, SWEPT_AT_ONCE),
            crowded_out,
        }
    }

    /// Lets the oldest of a chain go when it has become too long.
    fn make_room(&mut self, newest: u64) -> bool {
        let (mut last, mut at) = (newest, Some(newest));
        let mut length = 0;
        while let Some(slot) = at.and_then(|place| self.slot(place)) {
            if slot.letter.is_none() {
                break;
            }
            length += 1;
            (last, at) = (at.unwrap_or(last), slot.before);
        }
        if length <= MOST_PER_RECIPIENT {
            return false;
        }
        let slot = last.checked_sub(self.first).and_then(|at| self.slots.get_mut(at as usize));
        let gone = slot.and_then(|slot| slot.letter.take()).is_some();
        self.letters -= usize::from(gone);
        gone
    }

    /// Lets letters go that are older than is kept, at most so many; tells how many went.
    pub(super) fn sweep(&mut self, now: Instant, keep: Duration, most: usize) -> usize {
        let mut aged = 0;
        for _ in 0..most {
            let Some(slot) = self
                .slots
                .front()
                .filter(|slot| now.saturating_duration_since(slot.at) > keep)
            else {
                break;
            };
            if self.newest.get(&slot.recipient) == Some(&self.first) {
                self.newest.remove(&slot.recipient);
            }
            aged += usize::from(slot.letter.is_some());
            self.slots.pop_front();
            self.first += 1;
        }
        self.letters -= aged;
        // The memory of a wave goes after it.
        let room = self.slots.len() * 2 + SMALL;
        if self.slots.capacity() > room * 2 {
            self.slots.shrink_to(room);
            self.newest.shrink_to(room);
        }
        aged
    }

    /// The recipient's newest letter that is so.
    pub(super) fn find(&self, recipient: u64, is: impl Fn(&Letter) -> bool) -> Option<&Letter> {
        let mut at = self.newest.get(&recipient).copied();
        while let Some(slot) = at.and_then(|place| self.slot(place)) {
            // What went before its time went oldest first: there is nothing behind it.
            let letter = slot.letter.as_ref()?;
            if is(letter) {
                return Some(letter);
            }
            at = slot.before;
        }
        None
    }

    fn slot(&self, place: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(place.checked_sub(self.first)?).ok()?)
    }

    pub(super) fn enlist(&mut self, recipient: u64, waiter: &Arc<Notify>) {
        self.waiting.entry(recipient).or_default().push(waiter.clone());
    }

    pub(super) fn strike_off(&mut self, recipient: u64, waiter: &Arc<Notify>) {
        if let Some(waiters) = self.waiting.get_mut(&recipient) {
            waiters.retain(|other| !Arc::ptr_eq(other, waiter));
            if waiters.is_empty() {
                self.waiting.remove(&recipient);
            }
        }
    }
}

type ByHash<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// The hasher of what is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
