//! Whose account it is, and what the storm knows of it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use specs::Parameters;

/// One account of the population and what its owner holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub account: u64,
    pub email: String,
    pub password: String,
    /// Its trusted device, where one is prepared.
    pub trusted: Option<TrustedDevice>,
    /// The address its owner's connections come from.
    pub source: Option<IpAddr>,
}

/// The account's trusted device, as it was left by whoever used it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedDevice {
    /// The identifier its app chose.
    pub installation: String,
    pub name: String,
    /// Its trust token; without one it is asked for a code, and gets a new token with it.
    pub trust_token: Option<String>,
    /// Its push registration; without one, codes go by email.
    pub push_token: Option<String>,
}

/// Counters of an account: what the history numbers. Arrivals at one account share them.
#[derive(Debug, Default)]
pub struct Numbers {
    challenges: AtomicU32,
    devices: AtomicU32,
}

/// Which arrival, and which attempt of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    pub seed: u64,
    pub nth: u64,
    /// The attempt, from 1: a further one comes with the same phone.
    pub attempt: u32,
}

/// What the service declares, as far as people and their apps go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProfile {
    /// An app version that is served.
    pub served: String,
    /// One that is no longer.
    pub outdated: String,
    /// Time between two sends of one challenge.
    pub cooldown: Duration,
    pub code_digits: u32,
}

impl Numbers {
    /// The next challenge of the account, from 0.
    pub fn challenge(&self) -> u32 {
        self.challenges.fetch_add(1, Ordering::Relaxed)
    }

    /// The next device of the account, from 1: 0 is its prepared trusted device.
    pub fn device(&self) -> u32 {
        self.devices.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl ServiceProfile {
    /// As declared.
    pub fn of(parameters: &Parameters) -> Self {
        Self {
            served: parameters.min_version.clone(),
            outdated: "0.0.1".to_owned(),
            cooldown: Duration::from_secs(parameters.resend_cooldown_s),
            code_digits: parameters.code_length,
        }
    }
}

impl Default for ServiceProfile {
    fn default() -> Self {
        Self::of(&Parameters::default())
    }
}
