//! Failures counted by source address, whatever account they were meant for. A guess is reserved before it is judged, so that
//! the limit holds however many arrive together; what turns out right gives its place back (ATT-04).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Problem, Service};
use crate::account::Timestamp;
use crate::policy::{At, Limit, SourceEvent, sources};

/// Addresses that are remembered at most.
const ADDRESSES: usize = 65_536;

/// The failures of each address, bounded: those out of the window leave, and when there are too many, those longest quiet.
#[derive(Debug, Default)]
pub(super) struct Sources {
    seen: Mutex<HashMap<IpAddr, Source>>,
    /// Told whenever a guess is settled.
    settled: Notify,
}

#[derive(Debug, Default)]
struct Source {
    failures: VecDeque<Timestamp>,
    /// Guesses that are being judged: each may turn out to be a failure.
    pending: usize,
}

/// What an address that wants to guess is told.
enum Admission {
    Reserved,
    /// It would be one too many if those under way were all wrong.
    Wait,
    Blocked(Timestamp),
}

/// A guess of an address, reserved. When it is dropped without a word, it counts as wrong if it has begun: nobody has a password
/// judged and leaves before it is counted.
pub(super) struct SourceGuess<'a> {
    service: &'a Service,
    key: IpAddr,
    counts_as: Option<SourceEvent>,
}

impl SourceGuess<'_> {
    /// From now on it is looked at.
    pub(super) fn begin(&mut self) {
        self.counts_as = Some(SourceEvent::Failure);
    }

    /// Ends it as what it was; `None` is neither a success nor a failure.
    pub(super) fn settle(mut self, event: Option<SourceEvent>) {
        self.counts_as = event;
    }
}

impl Drop for SourceGuess<'_> {
    fn drop(&mut self) {
        self.service.settle(self.key, self.counts_as);
    }
}

impl Sources {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Source>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sweep(&self, at: At<'_>) {
        let start = at.now.minus_s(at.config.source_window_s);
        self.lock().retain(|_, source| {
            source.failures.retain(|failed_at| *failed_at > start);
            source.pending > 0 || !source.failures.is_empty()
        });
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
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
            let at = self.at();
            match self.try_reserve(key, trusted, at) {
                Admission::Blocked(until) => return Err(at.limited(until, Limit::Attempts).into()),
                Admission::Wait => settled.await,
                Admission::Reserved => {
                    return Ok(SourceGuess {
                        service: self,
                        key,
                        counts_as: None,
                    });
                }
            }
        }
    }

    fn try_reserve(&self, key: IpAddr, trusted: bool, at: At<'_>) -> Admission {
        let policy = self.policy();
        let mut seen = self.inner.sources.lock();
        if let Some(source) = seen.get(&key).filter(|_| !trusted) {
            if let Some(until) = policy.source_blocked(&source.failures, at) {
                return Admission::Blocked(until);
            }
            let mut if_all_are_wrong = source.failures.clone();
            if_all_are_wrong.extend(std::iter::repeat_n(at.now, source.pending));
            if policy.source_blocked(&if_all_are_wrong, at).is_some() {
                return Admission::Wait;
            }
        }
        if seen.len() >= ADDRESSES && !seen.contains_key(&key) {
            keep_newer_half(&mut seen);
        }
        seen.entry(key).or_default().pending += 1;
        Admission::Reserved
    }

    fn settle(&self, key: IpAddr, event: Option<SourceEvent>) {
        let at = self.at();
        let mut seen = self.inner.sources.lock();
        let source = seen.entry(key).or_default();
        // None is pending where everything was forgotten meanwhile.
        source.pending = source.pending.saturating_sub(1);
        if let Some(event) = event {
            self.policy().count_source_event(&mut source.failures, event, at);
        }
        // Twice the limit is more than any decision looks at.
        let most = self.config().source_wrong_limit as usize * 2 + 1;
        let surplus = source.failures.len().saturating_sub(most);
        source.failures.drain(..surplus);
        if source.pending == 0 && source.failures.is_empty() {
            seen.remove(&key);
        }
        drop(seen);
        self.inner.sources.settled.notify_waiters();
    }
}

/// Forgets the half that was quiet longest; what is pending is not quiet.
fn keep_newer_half(seen: &mut HashMap<IpAddr, Source>) {
    let mut newest: Vec<Timestamp> = seen.values().filter_map(|source| source.failures.back().copied()).collect();
    newest.sort_unstable();
    let Some(median) = newest.get(newest.len() / 2).copied() else {
        return;
    };
    seen.retain(|_, source| source.pending > 0 || source.failures.back().is_some_and(|last| *last > median));
}
