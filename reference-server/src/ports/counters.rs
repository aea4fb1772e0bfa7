//! The counters port: failures of those who have no account that could keep them, an address or a name that nobody has.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::account::Timestamp;
use crate::sync::lock;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CounterKey {
    /// Wrong passwords and codes of an address, or of its network.
    Source(IpAddr),
    /// Wrong passwords for a name that nobody has.
    UnknownIdentifier(String),
}

/// Failures that were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// Oldest first.
    pub recent: VecDeque<Timestamp>,
    /// Since the last success.
    pub in_a_row: u32,
}

/// A change of one count.
pub type CountChange<'a> = dyn FnMut(&mut Failures) + Send + 'a;

/// Keeps counts. One that is lost gives somebody a few guesses more: an implementation may forget, and has to be bounded.
#[async_trait]
pub trait Counters: Send + Sync {
    /// None at all where nothing was counted.
    async fn read(&self, key: &CounterKey) -> Result<Failures, StoreError>;

    /// Changes one count atomically. The change may be called several times, each time with what stands then.
    async fn change(&self, key: &CounterKey, change: &mut CountChange<'_>) -> Result<(), StoreError>;

    /// Forgets counts without a failure after these moments. Where counts lapse by themselves there is nothing to do.
    async fn expire(&self, sources: Timestamp, identifiers: Timestamp) -> Result<(), StoreError>;

    /// Forgets everything.
    async fn clear(&self) -> Result<(), StoreError>;
}

const MAX_SOURCES: usize = 65_536;

const MAX_IDENTIFIERS: usize = 10_000;

/// Counts in memory. Addresses and names each have a table of their own, so that no flood of the one pushes out the other.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    sources: Table<IpAddr>,
    identifiers: Table<String>,
}

#[derive(Debug)]
struct Table<K>(Mutex<HashMap<K, Failures>>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Table<K> {
    fn read(&self, key: &K) -> Failures {
        lock(&self.0).get(key).cloned().unwrap_or_default()
    }

    fn change(&self, key: &K, max: usize, change: &mut CountChange<'_>) {
        let mut counts = lock(&self.0);
        if counts.len() >= max && !counts.contains_key(key) {
            keep_newer_half(&mut counts);
        }
        let count = counts.entry(key.clone()).or_default();
        change(count);
        if *count == Failures::default() {
            counts.remove(key);
        }
    }

    fn expire(&self, before: Timestamp) {
        lock(&self.0).retain(|_, count| count.recent.back().is_some_and(|last| *last > before));
    }
}

/// Forgets the half that was quiet longest.
fn keep_newer_half<K: Eq + Hash>(counts: &mut HashMap<K, Failures>) {
    let last = |count: &Failures| count.recent.back().copied();
    let mut newest: Vec<Option<Timestamp>> = counts.values().map(last).collect();
    newest.sort_unstable();
    let Some(median) = newest.get(newest.len() / 2).copied() else {
        return;
    };
    counts.retain(|_, count| last(count) > median);
}

#[async_trait]
impl Counters for MemoryCounters {
    async fn read(&self, key: &CounterKey) -> Result<Failures, StoreError> {
        Ok(match key {
            CounterKey::Source(address) => self.sources.read(address),
            CounterKey::UnknownIdentifier(name) => self.identifiers.read(name),
        })
    }

    async fn change(&self, key: &CounterKey, change: &mut CountChange<'_>) -> Result<(), StoreError> {
        match key {
            CounterKey::Source(address) => self.sources.change(address, MAX_SOURCES, change),
            CounterKey::UnknownIdentifier(name) => self.identifiers.change(name, MAX_IDENTIFIERS, change),
        }
        Ok(())
    }

    async fn expire(&self, sources: Timestamp, identifiers: Timestamp) -> Result<(), StoreError> {
        self.sources.expire(sources);
        self.identifiers.expire(identifiers);
        Ok(())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        lock(&self.sources.0).clear();
        lock(&self.identifiers.0).clear();
        Ok(())
    }
}
