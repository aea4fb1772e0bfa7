//! The operations, one file each, over the parts. Every operation has the same order: shape, limits, find, decide and change
//! in one atomic step, and only then deliver.

mod accounts;
mod challenges;
mod delivery;
mod devices;
mod limits;
mod problem;
mod resets;
mod seeding;
mod session;
mod sign_in;
mod two_step;
mod verify;
mod views;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use problem::Problem;
pub use seeding::Seed;
pub use sign_in::{SignIn, SignInAnswer};
pub use views::{AccountView, ChallengeView, DeviceRow, PendingRow, SessionGrant, SessionView, TwoStepView};

use crate::domain::{Account, ChallengeState, SessionId, Timestamp, TokenHash};
use crate::metrics::{Live, Metrics};
use crate::parts::Parts;
use crate::settings::Settings;
use limits::Sources;

/// A running service: cheap to clone, every clone the same one.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    settings: Settings,
    sources: Sources,
    metrics: Metrics,
    hashing: Semaphore,
    /// Hash that an unknown account's password is compared with, so that it takes as long as a known one's.
    dummy: String,
}

impl Service {
    /// A service of these parts.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        // As many hashes at once as there are cores: more would only make each slower and the memory larger.
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let dummy = parts.passwords.hash("a password nobody has");
        let inner = Inner {
            parts,
            settings,
            sources: Sources::default(),
            metrics: Metrics::new(),
            hashing: Semaphore::new(cores),
            dummy,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The parts it is composed of.
    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    /// What it declares.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// What it has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Now, by its own clock.
    pub fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }

    /// Drops what has lapsed, everywhere: what keeps the memory bounded when nobody calls.
    pub async fn sweep(&self) {
        let now = self.now();
        self.inner.sources.sweep(now, self.settings());
        let mut live = Live::default();
        let mut tidy = |account: &mut Account| {
            self.tidy(account, now);
            let pending = account.challenges.iter();
            live.challenges += pending.filter(|challenge| challenge.state == ChallengeState::Live).count();
            live.sessions += account.sessions.len();
        };
        self.parts().store.sweep(&mut tidy).await;
        self.metrics().live(live);
        self.metrics().fold();
    }

    /// Forgets every account and every count.
    pub async fn reset(&self) {
        self.inner.sources.clear();
        self.parts().store.clear().await;
    }

    /// Drops what has lapsed in one account: dead challenges, sessions, resets.
    fn tidy(&self, account: &mut Account, now: Timestamp) {
        let settings = self.settings();
        account
            .challenges
            .retain(|challenge| now < challenge.created_at.plus_s(settings.challenge_max_s));
        account
            .sessions
            .retain(|session| self.parts().rules.sessions.lives(session, now, settings));
        account.resets.retain(|reset| now < reset.expires_at);
    }

    /// Finds the session that an access credential opens and runs one atomic change in it.
    async fn in_session<R: Send>(
        &self,
        access: &str,
        mut change: impl FnMut(&mut Account, &SessionId, Timestamp) -> Result<R, Problem> + Send,
    ) -> Result<R, Problem> {
        let token = TokenHash::of(access);
        let now = self.now();
        let store = &self.parts().store;
        let id = store.by_token(&token).await.ok_or(Problem::SessionNotLive)?;
        let found = store.transact(&id, |account| {
            let opened = self.parts().rules.sessions.opened_by(account, &token, now, self.settings());
            let session = opened.ok_or(Problem::SessionNotLive)?;
            change(account, &session, now)
        });
        found.await.unwrap_or(Err(Problem::SessionNotLive))
    }

    async fn hash_password(&self, password: String) -> String {
        let passwords = Arc::clone(&self.parts().passwords);
        self.off_the_loop(move || passwords.hash(&password))
            .await
            .unwrap_or_else(|| "!".to_owned())
    }

    async fn password_is(&self, password: String, hash: Option<String>) -> bool {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.inner.dummy.clone());
        let passwords = Arc::clone(&self.parts().passwords);
        known
            & self
                .off_the_loop(move || passwords.verify(&password, &hash))
                .await
                .unwrap_or(false)
    }

    /// Runs slow work on a thread of its own, as many at a time as there are cores.
    async fn off_the_loop<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        let _permit = self.inner.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}
