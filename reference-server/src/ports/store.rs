//! The store port. Its unit of atomicity is the account: it is loaded whole, and kept as a whole or not at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::account::{Account, AccountId, TokenHash};
use crate::sync::lock;

/// An account as it stood when it was loaded. Readers share it; whoever changes it changes a copy.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub account: Arc<Account>,
    /// What the store compares when a change of it comes back.
    pub version: u64,
}

/// What came of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    Kept,
    /// Somebody else has changed the account since it was loaded, and nothing was kept.
    Conflict,
}

/// The store cannot be reached, or does not answer: nothing is known of what was asked, least of all that it is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is out of reach: {0}")]
pub struct StoreError(pub String);

/// Keeps accounts.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds an account; `false` when its address is taken.
    async fn insert(&self, account: Account) -> Result<bool, StoreError>;

    /// The account with this normalised address.
    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError>;

    /// The account that holds this token, whatever the token is worth.
    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError>;

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError>;

    /// Keeps the account, and [`Account::tokens`] as what finds it, if it is still at the version it was loaded at.
    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError>;

    /// Up to `most` accounts after the first `from`, in an order in which new ones come last: for going over all of them.
    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError>;

    async fn count(&self) -> Result<usize, StoreError>;

    /// Forgets everything.
    async fn clear(&self) -> Result<(), StoreError>;
}

/// Everything in memory, behind one lock that is held for a few look-ups and never over an await.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    // Behind a pointer, so that the empty places of a growing table cost a few words each and not an account.
    accounts: HashMap<AccountId, Versioned>,
    /// Every account once, so that a sweep can go on where it paused. None ever leaves.
    order: Vec<AccountId>,
    by_email: HashMap<Box<str>, AccountId>,
    by_token: HashMap<TokenHash, AccountId>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn insert(&self, account: Account) -> Result<bool, StoreError> {
        let mut state = self.lock();
        if state.by_email.contains_key(account.email.as_str()) {
            return Ok(false);
        }
        let id = account.id.clone();
        state.by_email.insert(account.email.as_str().into(), id.clone());
        state.by_token.extend(account.tokens().map(|token| (token, id.clone())));
        state.order.push(id.clone());
        let account = Arc::new(account);
        state.accounts.insert(id, Versioned { account, version: 0 });
        Ok(true)
    }

    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError> {
        Ok(self.lock().by_email.get(email).cloned())
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError> {
        Ok(self.lock().by_token.get(token).cloned())
    }

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError> {
        Ok(self.lock().accounts.get(id).cloned())
    }

    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError> {
        let mut state = self.lock();
        let State { accounts, by_token, .. } = &mut *state;
        let Some(kept) = accounts
            .get_mut(&changed.account.id)
            .filter(|kept| kept.version == changed.version)
        else {
            return Ok(Committed::Conflict);
        };
        for token in kept.account.tokens() {
            by_token.remove(&token);
        }
        by_token.extend(changed.account.tokens().map(|token| (token, changed.account.id.clone())));
        let before = std::mem::replace(&mut kept.account, changed.account);
        kept.version += 1;
        // What is freed with it is freed without the lock.
        drop(state);
        drop(before);
        Ok(Committed::Kept)
    }

    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.lock().order.iter().skip(from).take(most).cloned().collect())
    }

    async fn count(&self) -> Result<usize, StoreError> {
        Ok(self.lock().accounts.len())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        *self.lock() = State::default();
        Ok(())
    }
}
