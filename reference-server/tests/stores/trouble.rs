//! A store in memory with something wrong with it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use reference_server::account::{Account, AccountId, Timestamp, TokenHash};
use reference_server::ports::{
    Committed, CountChange, CounterKey, Counters, Failures, MemoryCounters, MemoryStore, Store, StoreError, Versioned,
};
use serde_json::Value;

#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    Failure,
    Conflict,
}

pub(crate) struct Troubled {
    accounts: MemoryStore,
    /// Each commit of so many has the trouble.
    every: usize,
    trouble: Trouble,
    /// Others come in between whenever it is asked.
    slow: bool,
    unreachable: AtomicBool,
    commits: AtomicUsize,
    conflicts: AtomicUsize,
}

impl Troubled {
    pub(crate) fn every(every: usize, trouble: Trouble) -> Self {
        Self {
            accounts: MemoryStore::default(),
            every,
            trouble,
            slow: false,
            unreachable: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
            conflicts: AtomicUsize::new(0),
        }
    }

    pub(crate) fn slow() -> Self {
        Self {
            slow: true,
            ..Self::every(usize::MAX, Trouble::Failure)
        }
    }

    pub(crate) fn set_reachable(&self, reachable: bool) {
        self.unreachable.store(!reachable, Ordering::Relaxed);
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn conflicts(&self) -> usize {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// Every account, as it is kept.
    pub(crate) async fn snapshot(&self) -> Vec<Value> {
        let mut accounts = Vec::new();
        for id in self.accounts.ids(0, usize::MAX).await.unwrap() {
            let loaded = self.accounts.load(&id).await.unwrap().unwrap();
            accounts.push(serde_json::to_value(&*loaded.account).unwrap());
        }
        accounts
    }

    fn reach(&self) -> Result<&MemoryStore, StoreError> {
        if self.unreachable.load(Ordering::Relaxed) {
            return Err(StoreError("as a test wants it".to_owned()));
        }
        Ok(&self.accounts)
    }

    async fn linger(&self) {
        if self.slow {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for Troubled {
    async fn insert(&self, account: Account) -> Result<bool, StoreError> {
        self.reach()?.insert(account).await
    }

    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError> {
        self.reach()?.by_email(email).await
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError> {
        self.reach()?.by_token(token).await
    }

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError> {
        let loaded = self.reach()?.load(id).await;
        self.linger().await;
        loaded
    }

    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError> {
        let store = self.reach()?;
        let nth = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let committed = match self.trouble {
            Trouble::Failure if nth.is_multiple_of(self.every) => return Err(StoreError("as a test wants it".to_owned())),
            Trouble::Conflict if nth.is_multiple_of(self.every) => Committed::Conflict,
            _ => store.commit(changed).await?,
        };
        if committed == Committed::Conflict {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(committed)
    }

    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError> {
        self.reach()?.ids(from, most).await
    }

    async fn count(&self) -> Result<usize, StoreError> {
        self.reach()?.count().await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.reach()?.clear().await
    }
}

/// Counters in memory that can be put out of reach.
#[derive(Default)]
pub(crate) struct LostCounters {
    counts: MemoryCounters,
    lost: AtomicBool,
}

impl LostCounters {
    pub(crate) fn set_lost(&self, lost: bool) {
        self.lost.store(lost, Ordering::Relaxed);
    }

    fn reach(&self) -> Result<&MemoryCounters, StoreError> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(StoreError("as a test wants it".to_owned()));
        }
        Ok(&self.counts)
    }
}

#[async_trait]
impl Counters for LostCounters {
    async fn read(&self, key: &CounterKey) -> Result<Failures, StoreError> {
        self.reach()?.read(key).await
    }

    async fn change(&self, key: &CounterKey, change: &mut CountChange<'_>) -> Result<(), StoreError> {
        self.reach()?.change(key, change).await
    }

    async fn expire(&self, sources: Timestamp, identifiers: Timestamp) -> Result<(), StoreError> {
        self.reach()?.expire(sources, identifiers).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.reach()?.clear().await
    }
}
