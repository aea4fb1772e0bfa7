//! The operations, one file each, over the parts. Every operation has the same order: shape, limits, find, decide and change
//! in one atomic step, and only then deliver.

mod accounts;
mod challenges;
mod delivery;
mod devices;
mod hashers;
mod limits;
mod notices;
mod passwords;
mod problem;
mod record;
mod resets;
mod seeding;
mod session;
mod sign_in;
mod steady;
mod strangers;
mod two_step;
mod verify;
mod views;

use std::sync::Arc;

pub use problem::Problem;
pub use seeding::{Seed, SeedDevice};
pub use sign_in::{SignIn, SignInAnswer};
pub use views::{AccountView, ChallengeView, DeviceRow, PendingRow, SessionGrant, SessionView, TwoStepView};

use crate::domain::{Account, ChallengeState, SessionId, Timestamp, TokenHash};
use crate::metrics::Metrics;
use crate::parts::Parts;
use crate::settings::Settings;
use limits::Sources;
use notices::Desk;
use passwords::PasswordQueue;
use steady::Steady;
use strangers::Strangers;

/// A running service: cheap to clone, every clone the same one.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    settings: Settings,
    sources: Sources,
    strangers: Strangers,
    queue: PasswordQueue,
    desk: Desk,
    steady: Steady,
    metrics: Metrics,
}

impl Service {
    /// A service of these parts.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let inner = Inner {
            queue: PasswordQueue::new(Arc::clone(&parts.passwords), settings.password_queue),
            parts,
            settings,
            sources: Sources::default(),
            strangers: Strangers::default(),
            desk: Desk::default(),
            steady: Steady::default(),
            metrics: Metrics::default(),
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

    /// Now, by its own clock, which never goes back (TIME-03).
    pub fn now(&self) -> Timestamp {
        self.inner
            .steady
            .now(self.parts().clock.as_ref(), self.parts().rules.time.as_ref())
    }

    /// Drops what has lapsed, everywhere: what keeps the memory bounded when nobody calls.
    pub async fn sweep(&self) {
        let now = self.now();
        self.inner.sources.sweep(now, self.settings());
        self.inner.strangers.sweep(now, self.settings());
        let (mut challenges, mut sessions) = (0, 0);
        let mut tidy = |account: &mut Account| {
            self.tidy(account, now);
            let pending = account.challenges.iter();
            challenges += pending.filter(|challenge| challenge.state == ChallengeState::Live).count();
            sessions += account.sessions.len();
        };
        self.parts().store.sweep(&mut tidy).await;
        self.metrics().live(challenges, sessions);
    }

    /// Forgets every account and every count.
    pub async fn reset(&self) {
        self.inner.sources.clear();
        self.inner.strangers.clear();
        self.inner.desk.clear();
        self.inner.steady.clear();
        self.parts().store.clear().await;
    }

    /// Drops what has lapsed in one account: dead challenges, sessions, resets, trust, and devices beyond the bound.
    fn tidy(&self, account: &mut Account, now: Timestamp) {
        let (settings, rules) = (self.settings(), &self.parts().rules);
        account
            .challenges
            .retain(|challenge| now < challenge.created_at.plus_s(settings.challenge_max_s));
        account
            .sessions
            .retain(|session| rules.sessions.lives(session, now, settings));
        account.resets.retain(|reset| now < reset.expires_at);
        for device in &mut account.devices {
            device.trust.take_if(|trust| rules.trust.lapsed(trust, now, settings));
        }
        account.drop_devices_beyond(settings.devices);
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
            let id = opened.ok_or(Problem::SessionNotLive)?;
            if let Some(session) = account.session_mut(&id) {
                session.used_at = now;
            }
            change(account, &id, now)
        });
        found.await.unwrap_or(Err(Problem::SessionNotLive))
    }
}
