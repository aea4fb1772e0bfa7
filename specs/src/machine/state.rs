//! The state of a machine: what a right service has to know, and nothing more.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::machine::ghost::Ghost;
use crate::machine::limits::{Limits, passed};
use crate::machine::op::Code;

/// A moment or a length of time, in the unit of the machine's [`Limits`].
pub type Seconds = u64;
/// An account, by its place in [`State::accounts`].
pub type AccountId = u8;
/// A device. It may be used for several accounts.
pub type DeviceId = u8;
/// A challenge, by its place in [`State::challenges`].
pub type ChallengeId = u8;

/// What trust and sessions belong to: a pair of account and device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub account: AccountId,
    pub device: DeviceId,
}

impl Key {
    /// The pair.
    pub fn new(account: AccountId, device: DeviceId) -> Self {
        Self { account, device }
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// Whether a second step is asked for.
    pub two_step: bool,
    /// How often the password was changed or reset.
    pub epoch: u8,
    /// When the wrong guesses of the present window were evaluated.
    pub wrong: Vec<Seconds>,
    /// Wrong guesses since the last completed authentication.
    pub consecutive: u32,
    /// Until when no code is evaluated.
    pub locked_until: Option<Seconds>,
    /// Whether codes stay off until the owner restores them.
    pub codes_off: bool,
    /// When the messages of the present day were sent.
    pub sends: Vec<Seconds>,
}

impl Default for Account {
    /// As registered: two-step verification on.
    fn default() -> Self {
        Self {
            two_step: true,
            epoch: 0,
            wrong: Vec::new(),
            consecutive: 0,
            locked_until: None,
            codes_off: false,
            sends: Vec::new(),
        }
    }
}

/// Where a challenge stands. Only `Live` has a way out; that it is over by time is told by its age alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Live,
    Verified,
    Exhausted,
    /// Cancelled, denied, or outdated by a change of the account.
    Voided,
}

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// Whose account, and which device completed step one.
    pub key: Key,
    pub status: Status,
    pub method: Channel,
    /// How the code before it travelled, when there was one.
    pub former_method: Option<Channel>,
    /// Number of the newest code, from 0.
    pub newest: u8,
    /// When that was issued.
    pub issued_at: Seconds,
    pub created_at: Seconds,
    pub attempts: u32,
    pub sends: u32,
}

/// One trust: kept for a pair of account and device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trust {
    /// When it was granted.
    pub since: Seconds,
    /// When it was last used.
    pub used: Seconds,
}

/// One session: access and refresh credentials of a pair of account and device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    pub since: Seconds,
    /// When it was last used.
    pub used: Seconds,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub now: Seconds,
    pub accounts: Vec<Account>,
    pub trusts: BTreeMap<Key, Trust>,
    pub sessions: BTreeMap<Key, Session>,
    /// All challenges ever opened, in order.
    pub challenges: Vec<Challenge>,
    /// What really happened; no decision reads it.
    pub ghost: Ghost,
}

impl State {
    /// So many fresh accounts, and nothing else.
    pub fn new(accounts: usize) -> Self {
        Self {
            now: 0,
            accounts: vec![Account::default(); accounts],
            trusts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            challenges: Vec::new(),
            ghost: Ghost::new(accounts),
        }
    }

    /// The account, if it exists.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(usize::from(id))
    }

    /// The challenge, if it was opened.
    pub fn challenge(&self, id: ChallengeId) -> Option<&Challenge> {
        self.challenges.get(usize::from(id))
    }

    /// Whether the device is trusted for the account, lapses counted.
    pub fn trusted(&self, key: Key, limits: &Limits) -> bool {
        self.trusts.get(&key).is_some_and(|trust| {
            !passed(trust.since, limits.trust_absolute, self.now) && !passed(trust.used, limits.trust_idle, self.now)
        })
    }

    /// Whether the device has a session of the account, lapses counted.
    pub fn signed_in(&self, key: Key, limits: &Limits) -> bool {
        self.sessions.get(&key).is_some_and(|session| {
            !passed(session.since, limits.session_absolute, self.now) && !passed(session.used, limits.session_idle, self.now)
        })
    }

    /// The devices trusted for the account.
    pub fn trusted_devices(&self, account: AccountId, limits: &Limits) -> Vec<DeviceId> {
        let of_account = self.trusts.keys().filter(|key| key.account == account);
        of_account
            .filter(|key| self.trusted(**key, limits))
            .map(|key| key.device)
            .collect()
    }

    /// The newest code of a challenge.
    pub fn newest_code(&self, challenge: ChallengeId) -> Option<Code> {
        let number = self.challenge(challenge)?.newest;
        Some(Code { challenge, number })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", self.now)?;
        for (id, account) in self.accounts.iter().enumerate() {
            let setting = if account.two_step { "on" } else { "off" };
            write!(f, "\naccount {id}: two-step {setting}, wrong guesses {}", account.consecutive)?;
            if account.epoch > 0 {
                write!(f, ", password changed {} time(s)", account.epoch)?;
            }
            if let Some(until) = account.locked_until {
                write!(f, ", locked until {until}")?;
            }
            if account.codes_off {
                write!(f, ", codes are off")?;
            }
            let devices = |keys: Vec<&Key>| {
                let of_account = keys.into_iter().filter(|key| usize::from(key.account) == id);
                of_account.map(|key| key.device.to_string()).collect::<Vec<_>>().join(" ")
            };
            write!(f, "; trusted devices [{}]", devices(self.trusts.keys().collect()))?;
            write!(f, "; signed in [{}]", devices(self.sessions.keys().collect()))?;
        }
        for (id, c) in self.challenges.iter().enumerate() {
            write!(
                f,
                "\nchallenge {id}: {:?}, account {} on device {}, code {} by {} at {}, {} guess(es), {} message(s)",
                c.status, c.key.account, c.key.device, c.newest, c.method, c.issued_at, c.attempts, c.sends
            )?;
        }
        Ok(())
    }
}
