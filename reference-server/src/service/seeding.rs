//! Accounts by the thousand, for whoever tests at the size of a real service.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;

use super::{Problem, Service};
use crate::domain::{Account, AccountId};
use crate::rules::PASSWORD_MOST;

/// An account to be.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: String,
    /// Its two-step setting.
    pub two_step: bool,
}

impl Service {
    /// Creates these accounts without mail and without limits, in place of those that have their addresses; how many. Nothing
    /// is created when one of them cannot be. A password that several share is hashed once.
    pub async fn seed(&self, seeds: Vec<Seed>) -> Result<usize, Problem> {
        let identifiers = &self.parts().rules.identifiers;
        let mut accounts = Vec::with_capacity(seeds.len());
        for (nth, seed) in seeds.iter().enumerate() {
            let invalid = |what: &str| Problem::InvalidRequest(format!("accounts[{nth}]: {what}"));
            let email = identifiers
                .normalise(&seed.email)
                .ok_or_else(|| invalid("email: not an address"))?;
            if seed.password.is_empty() || seed.password.chars().count() > PASSWORD_MOST {
                return Err(invalid("password: empty or too long"));
            }
            accounts.push((email, seed));
        }
        let distinct: HashSet<&str> = seeds.iter().map(|seed| seed.password.as_str()).collect();
        let hashes = distinct
            .into_iter()
            .map(async |password| (password, self.hash_in_time(password.to_owned()).await));
        let hashes = join_all(hashes).await.into_iter();
        let hashes: HashMap<&str, String> = hashes
            .map(|(password, hash)| Ok((password, hash?)))
            .collect::<Result<_, Problem>>()?;
        let created = accounts.len();
        for (nth, (email, seed)) in accounts.into_iter().enumerate() {
            let hash = hashes.get(seed.password.as_str()).cloned().unwrap_or_default();
            self.put(Account::new(AccountId::random(), email, hash, seed.two_step)).await;
            if nth % 128 == 127 {
                tokio::task::yield_now().await;
            }
        }
        Ok(created)
    }

    async fn put(&self, account: Account) {
        let store = &self.parts().store;
        let Some(taken) = store.by_email(&account.email).await else {
            store.insert(account).await;
            return;
        };
        store
            .transact(&taken, |old| {
                *old = Account {
                    id: old.id.clone(),
                    ..account.clone()
                };
            })
            .await;
    }
}
