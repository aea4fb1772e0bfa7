//! The hashers: a fixed number of them, each with memory of its own that is used again and again, so that what hashing takes of
//! the machine is known whatever comes.

use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ports::{HashMemory, Passwords};
use crate::sync::lock;

/// Who waits for a hasher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Somebody who holds a live credential of the account: of trust, of a session, of a reset.
    Proven,
    /// Anybody.
    Stranger,
}

/// The hashers of a server.
pub(super) struct PasswordHasherPool {
    passwords: Arc<dyn Passwords>,
    /// A permit a hasher, given out in the order in which it was asked for.
    free: Arc<Semaphore>,
    /// What the free hashers work in.
    memories: Mutex<Vec<HashMemory>>,
    /// One stranger at a time asks for a hasher; the others stand behind. So the proven wait for one stranger at most beside
    /// those who are being served, and however many they are, strangers are served too.
    strangers: Semaphore,
}

/// One hasher, taken. It is free again when this is dropped, also when the work panics or nobody waits for it any more.
struct Hasher {
    memory: HashMemory,
    pool: Arc<PasswordHasherPool>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Hasher {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        lock(&self.pool.memories).push(memory);
    }
}

impl PasswordHasherPool {
    pub(super) fn new(passwords: Arc<dyn Passwords>, hashers: usize) -> Arc<Self> {
        Arc::new(Self {
            passwords,
            free: Arc::new(Semaphore::new(hashers)),
            memories: Mutex::new(std::iter::repeat_with(HashMemory::default).take(hashers).collect()),
            strangers: Semaphore::new(1),
        })
    }

    async fn hasher(self: &Arc<Self>, lane: Lane) -> Option<Hasher> {
        let _alone = match lane {
            Lane::Stranger => Some(self.strangers.acquire().await.ok()?),
            Lane::Proven => None,
        };
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Hasher {
            // There is one a permit.
            memory: lock(&self.memories).pop().unwrap_or_default(),
            pool: Arc::clone(self),
            _permit: permit,
        })
    }

    /// Does this with a hasher, off the event loop; `begun` is called when its turn has come. Whoever stops waiting before that
    /// has left the queue, and nothing is done; `None` when the work panicked.
    pub(super) async fn run<R: Send + 'static>(
        self: &Arc<Self>,
        lane: Lane,
        begun: impl FnOnce(),
        work: impl FnOnce(&dyn Passwords, &mut HashMemory) -> R + Send + 'static,
    ) -> Option<R> {
        let mut hasher = self.hasher(lane).await?;
        begun();
        let done = tokio::task::spawn_blocking(move || {
            let passwords = Arc::clone(&hasher.pool.passwords);
            work(passwords.as_ref(), &mut hasher.memory)
        });
        done.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;
    use crate::ports::Argon2id;

    fn pool() -> Arc<PasswordHasherPool> {
        PasswordHasherPool::new(Arc::new(Argon2id::light()), 1)
    }

    #[tokio::test]
    async fn the_proven_are_served_before_waiting_strangers_and_who_left_is_skipped() {
        let pool = pool();
        let (open, closed) = mpsc::channel::<()>();
        let order = Arc::new(Mutex::new(Vec::new()));
        let job = |lane, name: &'static str| {
            let order = Arc::clone(&order);
            let pool = Arc::clone(&pool);
            Box::pin(async move { pool.run(lane, || (), move |_, _| order.lock().unwrap().push(name)).await })
        };
        let blocker = pool.run(Lane::Stranger, || (), move |_, _| closed.recv());
        let mut blocker = std::pin::pin!(blocker);
        assert!(poll!(&mut blocker).is_pending());
        let mut waiting = Vec::new();
        for (lane, name) in [
            (Lane::Stranger, "first stranger"),
            (Lane::Stranger, "gone"),
            (Lane::Stranger, "second stranger"),
            (Lane::Proven, "gone"),
            (Lane::Proven, "first owner"),
            (Lane::Proven, "second owner"),
        ] {
            let mut job = job(lane, name);
            assert!(poll!(&mut job).is_pending());
            if name != "gone" {
                waiting.push(job);
            }
        }
        open.send(()).unwrap();
        assert_eq!(blocker.await, Some(Ok(())));
        assert!(join_all(waiting).await.iter().all(Option::is_some));
        assert_eq!(
            *order.lock().unwrap(),
            ["first stranger", "first owner", "second owner", "second stranger"]
        );
    }

    #[tokio::test]
    async fn a_hasher_comes_back_from_work_that_panics_or_is_given_up() {
        let pool = pool();
        let panicked = pool.run(Lane::Stranger, || (), |_, _| -> () { panic!("as a test wants it") });
        assert_eq!(panicked.await, None);
        let (open, closed) = mpsc::channel::<()>();
        let mut given_up = Box::pin(pool.run(Lane::Proven, || (), move |_, _| closed.recv()));
        assert!(poll!(&mut given_up).is_pending());
        drop(given_up);
        open.send(()).unwrap();
        assert_eq!(pool.run(Lane::Stranger, || (), |_, _| 7).await, Some(7));
        assert_eq!(pool.free.available_permits(), 1);
        assert_eq!(lock(&pool.memories).len(), 1);
    }
}
