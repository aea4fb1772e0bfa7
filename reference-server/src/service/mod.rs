//! The operations, one file each, over the parts. Every operation has the same order: shape, limits, find, decide and change
//! in one atomic step, and only then deliver.

mod accounts;
mod audit;
mod challenges;
mod delivery;
mod devices;
mod hashers;
mod limits;
mod monotonic_clock;
mod notices;
mod passwords;
mod problem;
mod resets;
mod session;
mod sign_in;
mod transact;
mod two_step;
mod unknown_identifiers;
mod verify;
mod views;

use std::sync::Arc;

pub use problem::Problem;
pub use sign_in::{SignIn, SignInAnswer};
pub use views::{AccountView, ChallengeView, DeviceRow, PendingRow, SessionGrant, SessionView, TwoStepView};

use crate::account::{Account, Challenge, ChallengeState, Device, Timestamp};
use crate::config::Config;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::policy::{At, Policy, sessions};
use limits::Sources;
use monotonic_clock::MonotonicClock;
use notices::Outbox;
use passwords::PasswordQueue;

/// Accounts swept between two pauses.
const SWEPT_AT_ONCE: usize = 64;

/// A running service: cheap to clone, every clone the same one.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Deps,
    config: Config,
    sources: Sources,
    queue: PasswordQueue,
    outbox: Outbox,
    monotonic: MonotonicClock,
    metrics: Metrics,
}

impl Service {
    pub fn new(deps: Deps, config: Config) -> Self {
        let inner = Inner {
            queue: PasswordQueue::new(Arc::clone(&deps.passwords), config.password_queue),
            deps,
            config,
            sources: Sources::default(),
            outbox: Outbox::default(),
            monotonic: MonotonicClock::default(),
            metrics: Metrics::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn deps(&self) -> &Deps {
        &self.inner.deps
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub fn policy(&self) -> &dyn Policy {
        self.inner.deps.policy.as_ref()
    }

    /// What decisions are taken on, as of now.
    pub fn at(&self) -> At<'_> {
        At {
            now: self.now(),
            config: self.config(),
        }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Now, by its own clock, which never goes back (TIME-03).
    pub fn now(&self) -> Timestamp {
        self.inner.monotonic.now(self.deps().clock.as_ref())
    }

    /// Drops what has lapsed, everywhere: what keeps the memory bounded when nobody calls.
    pub async fn sweep(&self) -> Result<(), Problem> {
        let at = self.at();
        let (sources, identifiers) = (at.now.minus_s(at.config.source_window_s), at.now.minus_s(at.config.window_s));
        self.deps().counters.expire(sources, identifiers).await?;
        let (mut swept, mut challenges, mut sessions) = (0, 0, 0);
        loop {
            let ids = self.deps().store.ids(swept, SWEPT_AT_ONCE).await?;
            if ids.is_empty() {
                break;
            }
            for id in &ids {
                let Some(mut account) = self.load(id).await? else { continue };
                if self.has_lapsed(&account, at) {
                    self.transact(id, |account, _| self.expire(account, at)).await?;
                    account = self.load(id).await?.unwrap_or(account);
                }
                let pending = account.challenges.iter();
                challenges += pending.filter(|challenge| challenge.state == ChallengeState::Live).count();
                sessions += account.sessions.len();
            }
            swept += ids.len();
            // A million accounts take a while; requests go in between.
            tokio::task::yield_now().await;
        }
        self.metrics().live(challenges, sessions);
        Ok(())
    }

    /// Forgets every account and every count.
    pub async fn reset(&self) -> Result<(), Problem> {
        self.inner.sources.clear().await;
        self.deps().counters.clear().await?;
        self.inner.outbox.clear();
        self.inner.monotonic.clear();
        Ok(self.deps().store.clear().await?)
    }

    /// Whether there is anything to drop: most accounts are left as they are, and cost no write.
    fn has_lapsed(&self, account: &Account, at: At<'_>) -> bool {
        let over = |challenge: &Challenge| at.now >= challenge.created_at.plus_s(at.config.challenge_max_s);
        let untrusted = |device: &Device| {
            device
                .trust
                .as_ref()
                .is_some_and(|trust| self.policy().trust_lapsed(trust, at))
        };
        account.challenges.iter().any(over)
            || account.sessions.iter().any(|session| !sessions::lives(session, at))
            || account.resets.iter().any(|reset| at.now >= reset.expires_at)
            || account.devices.iter().any(untrusted)
            || account.devices.len() > at.config.devices
    }

    /// Drops what has lapsed in one account: dead challenges, sessions, resets, trust, and devices beyond the bound.
    fn expire(&self, account: &mut Account, at: At<'_>) {
        account
            .challenges
            .retain(|challenge| at.now < challenge.created_at.plus_s(at.config.challenge_max_s));
        account.sessions.retain(|session| sessions::lives(session, at));
        account.resets.retain(|reset| at.now < reset.expires_at);
        for device in &mut account.devices {
            device.trust.take_if(|trust| self.policy().trust_lapsed(trust, at));
        }
        account.drop_devices_beyond(at.config.devices);
    }
}
