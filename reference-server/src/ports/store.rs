//! The store part. Its unit of atomicity is the account: a change sees the whole account, and is kept as a whole or not at all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::account::{Account, AccountId, TokenHash};

/// A change of one account.
pub type AccountChange<'a> = dyn FnMut(&mut Account) + Send + 'a;

/// Keeps accounts.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds an account; `false` when its address is taken.
    async fn insert(&self, account: Account) -> bool;

    /// The account with this normalised address.
    async fn by_email(&self, email: &str) -> Option<AccountId>;

    /// The account that holds this token, whatever the token is worth.
    async fn by_token(&self, token: &TokenHash) -> Option<AccountId>;

    /// Changes one account atomically; `false` when there is none.
    async fn update(&self, id: &AccountId, change: &mut AccountChange<'_>) -> bool;

    /// Changes every account, one at a time: for sweeping what has lapsed.
    async fn sweep(&self, change: &mut AccountChange<'_>);

    /// Forgets everything.
    async fn clear(&self);

    /// How many accounts there are.
    async fn count(&self) -> usize;
}

impl dyn Store {
    /// Changes one account atomically and brings back what the change found; `None` when there is no such account.
    pub async fn transact<R: Send>(&self, id: &AccountId, mut change: impl FnMut(&mut Account) -> R + Send) -> Option<R> {
        let mut found = None;
        self.update(id, &mut |account| found = Some(change(account))).await;
        found
    }
}

/// Accounts changed under one hold of the lock while sweeping.
const SWEPT_AT_ONCE: usize = 64;

/// Everything in memory, behind one lock that is held for the length of one change and never over an await.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    // Boxed, so that the empty places of a growing table cost a pointer each and not an account.
    accounts: HashMap<AccountId, Box<Account>>,
    /// Every account once, so that a sweep can go on where it paused. None ever leaves.
    order: Vec<AccountId>,
    by_email: HashMap<Box<str>, AccountId>,
    by_token: HashMap<TokenHash, AccountId>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, id: &AccountId, change: &mut AccountChange<'_>) -> bool {
        let Some(account) = self.accounts.get_mut(id) else {
            return false;
        };
        let before: Vec<TokenHash> = account.tokens().collect();
        change(account);
        for token in &before {
            self.by_token.remove(token);
        }
        self.by_token.extend(account.tokens().map(|token| (token, id.clone())));
        true
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn insert(&self, account: Account) -> bool {
        let mut state = self.lock();
        if state.by_email.contains_key(account.email.as_str()) {
            return false;
        }
        state.by_email.insert(account.email.as_str().into(), account.id.clone());
        let tokens: Vec<TokenHash> = account.tokens().collect();
        state
            .by_token
            .extend(tokens.into_iter().map(|token| (token, account.id.clone())));
        state.order.push(account.id.clone());
        state.accounts.insert(account.id.clone(), Box::new(account));
        true
    }

    async fn by_email(&self, email: &str) -> Option<AccountId> {
        self.lock().by_email.get(email).cloned()
    }

    async fn by_token(&self, token: &TokenHash) -> Option<AccountId> {
        self.lock().by_token.get(token).cloned()
    }

    async fn update(&self, id: &AccountId, change: &mut AccountChange<'_>) -> bool {
        self.lock().change(id, change)
    }

    async fn sweep(&self, change: &mut AccountChange<'_>) {
        let mut swept = 0;
        loop {
            {
                let mut state = self.lock();
                let next = state.order.iter().skip(swept).take(SWEPT_AT_ONCE);
                let ids: Vec<AccountId> = next.cloned().collect();
                if ids.is_empty() {
                    return;
                }
                for id in &ids {
                    state.change(id, change);
                }
                swept += ids.len();
            }
            // A million accounts take a while; requests go in between.
            tokio::task::yield_now().await;
        }
    }

    async fn clear(&self) {
        *self.lock() = State::default();
    }

    async fn count(&self) -> usize {
        self.lock().accounts.len()
    }
}
