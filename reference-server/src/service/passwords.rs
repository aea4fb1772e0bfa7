//! Judging passwords: by a fixed number of hashers, with no more waiting than declared. Those who hold a credential of the account
//! have places of their own, so that no flood of strangers keeps them out (ATT-06). Passwords for one account are judged one after
//! the other, so that a burst cannot slip past its limit (ATT-04).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::hashers::{Lane, PasswordHasherPool};
use super::limits::SourceGuess;
use super::{Problem, Service};
use crate::ports::{HashMemory, Passwords};

/// Names are told apart by a hash; two that share a stripe wait for each other now and then.
const STRIPES: usize = 256;

/// Places that the holders of one account's credentials have: whoever wants more stands among the strangers, so that nobody
/// fills the places of all owners with an account of their own.
const PROVEN_PLACES_OF_ONE: usize = 8;

/// Whose password waits, and in which order.
pub(super) struct PasswordQueue {
    strangers: Semaphore,
    proven: Semaphore,
    stripes: Vec<Stripe>,
    stripe_of: RandomState,
    hashers: Arc<PasswordHasherPool>,
    /// Hash that an unknown account's password is compared with, so that it takes as long as a known one's.
    dummy: Arc<str>,
}

struct Stripe {
    trusted: Mutex<()>,
    untrusted: Mutex<()>,
    proven: Semaphore,
}

/// A place in the queue.
pub(super) struct Place<'a> {
    lane: Lane,
    _taken: (SemaphorePermit<'a>, Option<SemaphorePermit<'a>>),
}

impl PasswordQueue {
    pub(super) fn new(passwords: Arc<dyn Passwords>, places: usize) -> Self {
        // More hashes at once than cores would only make each slower and the memory larger.
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let places = || Semaphore::new(places.saturating_add(cores).min(Semaphore::MAX_PERMITS));
        let stripe = || Stripe {
            trusted: Mutex::default(),
            untrusted: Mutex::default(),
            proven: Semaphore::new(PROVEN_PLACES_OF_ONE),
        };
        Self {
            strangers: places(),
            proven: places(),
            stripes: std::iter::repeat_with(stripe).take(STRIPES).collect(),
            stripe_of: RandomState::new(),
            dummy: passwords.hash("a password nobody has", &mut HashMemory::default()).into(),
            hashers: PasswordHasherPool::new(passwords, cores),
        }
    }

    fn stripe(&self, name: &str) -> &Stripe {
        let nth = usize::try_from(self.stripe_of.hash_one(name) % STRIPES as u64).unwrap_or(0);
        &self.stripes[nth]
    }

    fn proven_place(&self, name: &str) -> Option<Place<'_>> {
        let own = self.stripe(name).proven.try_acquire().ok()?;
        let place = self.proven.try_acquire().ok()?;
        Some(Place {
            lane: Lane::Proven,
            _taken: (place, Some(own)),
        })
    }
}

impl Service {
    /// A place in the queue, for a password of this name.
    pub(super) fn place(&self, lane: Lane, name: &str) -> Result<Place<'_>, Problem> {
        let queue = &self.inner.queue;
        if lane == Lane::Proven
            && let Some(place) = queue.proven_place(name)
        {
            return Ok(place);
        }
        let place = queue.strangers.try_acquire().map_err(|_| Problem::BUSY)?;
        Ok(Place {
            lane: Lane::Stranger,
            _taken: (place, None),
        })
    }

    /// Waits until no other password for this name is judged. Trusted devices wait apart, so that nobody keeps them waiting
    /// (ATT-06).
    pub(super) async fn lock_identifier(&self, name: &str, trusted: bool) -> MutexGuard<'_, ()> {
        let stripe = self.inner.queue.stripe(name);
        let lock = if trusted { &stripe.trusted } else { &stripe.untrusted };
        lock.lock().await
    }

    /// Hashes a new password for this name.
    pub(super) async fn hash_password(&self, lane: Lane, name: &str, password: String) -> Result<Arc<str>, Problem> {
        let place = self.place(lane, name)?;
        self.hash_in_lane(place.lane, password).await
    }

    /// As [`Self::hash_password`], however many wait.
    pub(crate) async fn hash_in_time(&self, password: String) -> Result<Arc<str>, Problem> {
        self.hash_in_lane(Lane::Stranger, password).await
    }

    async fn hash_in_lane(&self, lane: Lane, password: String) -> Result<Arc<str>, Problem> {
        let work = move |passwords: &dyn Passwords, memory: &mut HashMemory| passwords.hash(&password, memory);
        let hash = self.inner.queue.hashers.run(lane, || (), work).await;
        hash.map(Arc::from).ok_or(Problem::BUSY)
    }

    /// Whether this is the password of the hash; takes as long when there is none. From the moment the hasher begins, the guess
    /// counts.
    pub(super) async fn password_is(
        &self,
        place: &Place<'_>,
        guess: &mut SourceGuess<'_>,
        password: String,
        hash: Option<Arc<str>>,
    ) -> bool {
        let (queue, known) = (&self.inner.queue, hash.is_some());
        let hash = hash.unwrap_or_else(|| Arc::clone(&queue.dummy));
        let work = move |passwords: &dyn Passwords, memory: &mut HashMemory| passwords.verify(&password, &hash, memory);
        let matches = queue.hashers.run(place.lane, || guess.begin(), work).await;
        known & matches.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Argon2id;

    #[test]
    fn one_account_does_not_fill_the_places_of_all_owners() {
        let queue = PasswordQueue::new(Arc::new(Argon2id::light()), usize::MAX);
        let mut taken: Vec<Place<'_>> = (0..PROVEN_PLACES_OF_ONE)
            .filter_map(|_| queue.proven_place("one@x.test"))
            .collect();
        assert_eq!(taken.len(), PROVEN_PLACES_OF_ONE);
        assert!(queue.proven_place("one@x.test").is_none());
        taken.pop();
        assert!(queue.proven_place("one@x.test").is_some());
    }
}
