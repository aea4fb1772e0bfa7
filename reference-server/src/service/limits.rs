//! Failures counted by source address, whatever account they were meant for. A guess is reserved before it is judged, so that
//! the limit holds however many arrive together; what turns out right gives its place back (ATT-04).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::{Problem, Service};
use crate::policy::{Limit, SourceEvent, sources};
use crate::ports::{CounterKey, Failures};

/// Addresses are told apart by a hash; two that share a stripe wait for each other's look at the count.
const STRIPES: usize = 64;

/// Guesses that are being judged, by address: each may turn out to be a failure. What has turned out so is in the counters, which
/// other processes may share; the two are looked at and changed together, under the lock of the address.
pub(super) struct Sources {
    pending: Vec<Mutex<HashMap<IpAddr, usize>>>,
    stripe_of: RandomState,
    /// Told whenever a guess is settled.
    settled: Notify,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            pending: std::iter::repeat_with(Mutex::default).take(STRIPES).collect(),
            stripe_of: RandomState::new(),
            settled: Notify::new(),
        }
    }
}

impl Sources {
    async fn lock(&self, key: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        let nth = usize::try_from(self.stripe_of.hash_one(key) % STRIPES as u64).unwrap_or(0);
        self.pending[nth].lock().await
    }

    pub(super) async fn clear(&self) {
        for pending in &self.pending {
            pending.lock().await.clear();
        }
    }
}

/// A guess of an address, reserved. When it is dropped without a word, it counts as wrong if it has begun: nobody has a password
/// judged and leaves before it is counted.
pub(super) struct SourceGuess<'a> {
    service: &'a Service,
    key: IpAddr,
    begun: bool,
    settled: bool,
}

impl SourceGuess<'_> {
    /// From now on it is looked at.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    /// Ends it as what it was; `None` is neither a success nor a failure.
    pub(super) async fn settle(mut self, event: Option<SourceEvent>) -> Result<(), Problem> {
        let counted = self.service.settle(self.key, event).await;
        self.settled = true;
        counted
    }
}

impl Drop for SourceGuess<'_> {
    fn drop(&mut self) {
        // Nobody waits for the count here, and the place stays taken until it is made.
        if let (false, Ok(runtime)) = (self.settled, tokio::runtime::Handle::try_current()) {
            let (service, key) = (self.service.clone(), self.key);
            let event = self.begun.then_some(SourceEvent::Failure);
            // A count that could not be made was logged where it became a problem.
            runtime.spawn(async move { service.settle(key, event).await });
        }
    }
}

impl Service {
    /// Reserves a guess of this address, or refuses one that has failed too often. When those under way leave no room it waits
    /// for them, since they may be right. A trusted device is not bound, but counted.
    pub(super) async fn reserve_guess(&self, address: IpAddr, trusted: bool) -> Result<SourceGuess<'_>, Problem> {
        let key = sources::key(address);
        loop {
            // Before the look, so that no word in between is missed.
            let settled = self.inner.sources.settled.notified();
            if self.try_reserve(key, trusted).await? {
                return Ok(SourceGuess {
                    service: self,
                    key,
                    begun: false,
                    settled: false,
                });
            }
            settled.await;
        }
    }

    /// `false` when it would be one too many if those under way were all wrong.
    async fn try_reserve(&self, key: IpAddr, trusted: bool) -> Result<bool, Problem> {
        let mut pending = self.inner.sources.lock(key).await;
        let at = self.at();
        if !trusted {
            let Failures { mut recent, .. } = self.deps().counters.read(&CounterKey::Source(key)).await?;
            if let Some(until) = self.policy().source_blocked(&recent, at) {
                return Err(at.limited(until, Limit::Attempts).into());
            }
            recent.extend(std::iter::repeat_n(at.now, pending.get(&key).copied().unwrap_or(0)));
            if self.policy().source_blocked(&recent, at).is_some() {
                return Ok(false);
            }
        }
        *pending.entry(key).or_default() += 1;
        Ok(true)
    }

    async fn settle(&self, key: IpAddr, event: Option<SourceEvent>) -> Result<(), Problem> {
        let mut pending = self.inner.sources.lock(key).await;
        let at = self.at();
        // Twice the limit is more than any decision looks at.
        let most = at.config.source_wrong_limit as usize * 2 + 1;
        let counted = match event {
            Some(event) => {
                let mut note = |failures: &mut Failures| {
                    self.policy().count_source_event(&mut failures.recent, event, at);
                    let surplus = failures.recent.len().saturating_sub(most);
                    failures.recent.drain(..surplus);
                };
                self.deps().counters.change(&CounterKey::Source(key), &mut note).await
            }
            None => Ok(()),
        };
        // None is pending where everything was forgotten meanwhile.
        if let Some(left) = pending.get_mut(&key) {
            *left -= 1;
            if *left == 0 {
                pending.remove(&key);
            }
        }
        drop(pending);
        self.inner.sources.settled.notify_waiters();
        Ok(counted?)
    }
}
