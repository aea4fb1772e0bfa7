//! Judging passwords: slow on purpose, so on threads of their own, as many at once as there are cores, and no more waiting than
//! declared. Passwords for one account are judged one after the other, so that a burst cannot slip past its limit (ATT-04).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::{Problem, Service};
use crate::parts::Passwords;

/// Turns are taken by a hash of the name; two names that share one wait for each other now and then.
const LANES: usize = 256;

/// Who may judge a password now.
pub(super) struct Judges {
    waiting: Semaphore,
    hashing: Semaphore,
    lanes: [Vec<Mutex<()>>; 2],
    lane: RandomState,
    /// Hash that an unknown account's password is compared with, so that it takes as long as a known one's.
    dummy: Arc<str>,
}

/// A turn: while it lasts, no other password for the same name is judged.
pub(super) struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    _lane: MutexGuard<'a, ()>,
}

impl Judges {
    pub(super) fn new(passwords: &dyn Passwords, queue: usize) -> Self {
        // More hashes at once than cores would only make each slower and the memory larger.
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let lanes = || std::iter::repeat_with(Mutex::default).take(LANES).collect();
        Self {
            waiting: Semaphore::new(queue.saturating_add(cores)),
            hashing: Semaphore::new(cores),
            lanes: [lanes(), lanes()],
            lane: RandomState::new(),
            dummy: passwords.hash("a password nobody has").into(),
        }
    }
}

impl Service {
    /// Waits for the turn of this name. Trusted devices wait apart, so that nobody keeps them waiting (ATT-06).
    pub(super) async fn turn(&self, name: &str, trusted: bool) -> Result<Turn<'_>, Problem> {
        let judges = &self.inner.judges;
        let place = judges.waiting.try_acquire().map_err(|_| Problem::Unavailable(1))?;
        let nth = usize::try_from(judges.lane.hash_one(name) % LANES as u64).unwrap_or(0);
        let lane = judges.lanes[usize::from(trusted)][nth].lock().await;
        Ok(Turn {
            _place: place,
            _lane: lane,
        })
    }

    /// Hashes a new password.
    pub(super) async fn hash_password(&self, password: String) -> Result<Arc<str>, Problem> {
        let _place = self.inner.judges.waiting.try_acquire().map_err(|_| Problem::Unavailable(1))?;
        self.hash_in_time(password).await
    }

    /// As [`Self::hash_password`], however many wait.
    pub(super) async fn hash_in_time(&self, password: String) -> Result<Arc<str>, Problem> {
        let passwords = Arc::clone(&self.parts().passwords);
        let hash = self.off_the_loop(move || passwords.hash(&password)).await;
        hash.map(Arc::from).ok_or(Problem::Unavailable(1))
    }

    /// Whether this is the password of the hash; takes as long when there is none.
    pub(super) async fn password_is(&self, _turn: &Turn<'_>, password: String, hash: Option<Arc<str>>) -> bool {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.inner.judges.dummy.clone());
        let passwords = Arc::clone(&self.parts().passwords);
        let matches = self.off_the_loop(move || passwords.verify(&password, &hash)).await;
        known & matches.unwrap_or(false)
    }

    async fn off_the_loop<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        let _permit = self.inner.judges.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}
