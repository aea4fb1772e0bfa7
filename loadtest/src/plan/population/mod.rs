//! Who has which account, password, device and address: pure functions of a seed and a number, so that a million of them take
//! no memory and every worker knows them all; or rows of a file of real accounts.
//!
//! - `made`: what is made of a seed and a number.
//! - `sources`: the addresses people come from.
//! - `file`: accounts from a CSV file.
//! - [`prepare`]: the bodies that create them over a admin API.

mod file;
mod made;
pub mod prepare;
mod sources;

use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use crate::plan::Shard;
use crate::plan::arrivals::Ranges;
use crate::plan::scenario::{DeviceKind, Scenario, ScenarioError};

pub use made::{Device, PASSWORD, account_of_email, account_of_push_token};

/// The device that a prepared account trusts.
pub const TRUSTED: u32 = 0;

/// Everybody's accounts.
#[derive(Debug)]
pub struct Population {
    seed: u64,
    ranges: Ranges,
    classes: Vec<Kind>,
    rows: Option<file::Rows>,
    signed_up: bool,
}

/// What the population has to know of a class.
#[derive(Clone, Copy, Debug)]
struct Kind {
    owns: bool,
    push: bool,
    sources: u32,
}

/// An account as it is before the storm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub number: u64,
    pub email: String,
    pub password: String,
    /// Its trusted device; without a push token where the account receives no push.
    pub device: Device,
    /// What the trusted device proves itself with; `None` when a file of accounts does not say.
    pub trust_token: Option<String>,
}

impl Population {
    /// The population of a storm under a seed.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        Self::for_shards(scenario, seed, 1)
    }

    /// The population of a storm that is cut into so many shards: it has some more accounts, so that no shard runs short.
    pub fn for_shards(scenario: &Scenario, seed: u64, shards: u32) -> Result<Self, ScenarioError> {
        let classes = scenario.classes.iter().map(|class| Kind {
            owns: class.accounts_of.is_none(),
            push: class.device != DeviceKind::PushOff,
            sources: class.sources,
        });
        Ok(Self {
            seed,
            ranges: Ranges::of(scenario, seed, shards)?,
            classes: classes.collect(),
            rows: None,
            signed_up: false,
        })
    }

    /// The same storm with the accounts of a CSV file, `email,password[,push_token][,trust_token]`, of which a line of names at the
    /// top says the order. Only one line in some hundreds is remembered, by its place.
    pub fn from_file(path: impl AsRef<Path>, scenario: &Scenario, seed: u64, shards: u32) -> Result<Self, ScenarioError> {
        let mut population = Self::for_shards(scenario, seed, shards)?;
        let (rows, needed) = (file::Rows::open(path.as_ref())?, population.total());
        if rows.len() < needed {
            let what = format!(
                "{} has {} accounts, and the storm needs {needed}",
                path.as_ref().display(),
                rows.len()
            );
            return Err(
                ScenarioError::new(what).hint("say `accounts = …` for the classes of the scenario, or give more accounts")
            );
        }
        population.rows = Some(rows);
        Ok(population)
    }

    /// The same where accounts are prepared by signing up: nobody has a trusted device yet, and nobody receives push.
    #[must_use]
    pub fn without_trust(mut self) -> Self {
        self.signed_up = true;
        self
    }

    /// All accounts there are.
    pub fn total(&self) -> u64 {
        self.ranges.total()
    }

    /// The numbers of all accounts, or of those that a shard comes to.
    pub fn numbers(&self, shard: Option<Shard>) -> impl Iterator<Item = u64> + use<> {
        (0..self.total()).filter(move |number| shard.is_none_or(|shard| shard.has(*number)))
    }

    /// The accounts of a class.
    pub fn range(&self, class: u16) -> Range<u64> {
        self.ranges.of_class(class)
    }

    /// Whether an account's trusted device receives push.
    pub fn receives_push(&self, number: u64) -> bool {
        let owner = (0u16..)
            .zip(&self.classes)
            .find(|(class, kind)| kind.owns && self.range(*class).contains(&number));
        owner.is_none_or(|(_, kind)| kind.push)
    }

    /// An account as it is before the storm. With a file of accounts, this reads from it.
    pub fn account(&self, number: u64) -> Result<Account, ScenarioError> {
        let mut account = Account {
            number,
            email: made::email(number),
            password: PASSWORD.to_owned(),
            device: self.device(number, TRUSTED),
            trust_token: Some(made::trust_token(self.seed, number)),
        };
        if let Some(rows) = &self.rows {
            let row = rows.row(number)?;
            (account.email, account.password, account.trust_token) = (row.email, row.password, row.trust_token);
            account.device.push_token = row.push_token;
        }
        if self.signed_up {
            account.trust_token = None;
        }
        if self.signed_up || !self.receives_push(number) {
            account.device.push_token = None;
        }
        Ok(account)
    }

    /// A device of an account, by the account's own count. The trusted one is [`TRUSTED`]; all others are new ones.
    pub fn device(&self, number: u64, device: u32) -> Device {
        made::device(self.seed, number, device)
    }

    /// The password an account is changed to.
    pub fn changed_password(&self, number: u64) -> String {
        made::changed_password(self.seed, number)
    }

    /// The nth password that is not an account's own.
    pub fn wrong_password(&self, number: u64, nth: u32) -> String {
        made::wrong_password(self.seed, number, nth)
    }

    /// Where one of a class comes from: a loopback address of its own, or one of those its class shares.
    pub fn source(&self, identity: u64, class: u16) -> IpAddr {
        let shared = self.classes.get(usize::from(class)).map_or(0, |kind| kind.sources);
        sources::source(self.seed, identity, class, shared)
    }
}

#[cfg(test)]
mod tests;
