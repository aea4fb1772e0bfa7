//! How every operation works: load the account, decide on a copy of it, commit the copy, and only then let the effects out.

use std::sync::Arc;
use std::time::Duration;

use super::audit::AuditLine;
use super::notices::Notice;
use super::{Problem, Service};
use crate::account::{Account, AccountId, Session, SessionId, TokenHash};
use crate::policy::At;
use crate::ports::{Committed, StoreError, Versioned};

/// How often a decision is taken anew because somebody else has changed the account meanwhile. One of those who compete gets
/// through each time, so this many at once on one account are served; more are told that the service is busy.
const MAX_DECISIONS: u32 = 64;

/// Decisions after which it is worth waiting a moment, since others are at the same account again and again.
const EAGER_DECISIONS: u32 = 8;

/// What a decision brings about beside the account: nothing of it leaves before the account is kept.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) log: Vec<AuditLine>,
    pub(super) notices: Vec<Notice>,
}

impl Service {
    /// Changes one account, as a whole or not at all; `None` when there is no such account. `decide` may be called several
    /// times, each time with the account as it stands then: it changes nothing but what it is given.
    pub(super) async fn transact<R: Send>(
        &self,
        id: &AccountId,
        mut decide: impl FnMut(&mut Account, &mut Effects) -> R + Send,
    ) -> Result<Option<R>, Problem> {
        for nth in 0..MAX_DECISIONS {
            let Some(Versioned { account, version }) = self.deps().store.load(id).await? else {
                return Ok(None);
            };
            let mut account = Account::clone(&account);
            let mut effects = Effects::default();
            let decision = decide(&mut account, &mut effects);
            let account = Arc::new(account);
            match self.deps().store.commit(Versioned { account, version }).await? {
                Committed::Kept => {
                    self.let_out(effects);
                    return Ok(Some(decision));
                }
                Committed::Conflict if nth < EAGER_DECISIONS => {}
                Committed::Conflict => {
                    // By chance, so that those who met do not meet again.
                    let pause = Duration::from_micros(u64::from(rand::random::<u16>()) >> 4);
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Err(Problem::BUSY)
    }

    fn let_out(&self, effects: Effects) {
        for line in effects.log {
            line.write();
        }
        for notice in effects.notices {
            self.enqueue(notice);
        }
    }

    /// The account as it stands, to look at.
    pub(super) async fn load(&self, id: &AccountId) -> Result<Option<Arc<Account>>, Problem> {
        Ok(self.deps().store.load(id).await?.map(|loaded| loaded.account))
    }

    /// Finds the session that an access credential opens, and looks. Nothing is written, but now and then when the session was
    /// used last, where its life depends on that.
    pub(super) async fn read_session<R: Send>(
        &self,
        access: &str,
        view: impl FnOnce(&Account, &Session, At<'_>) -> Result<R, Problem> + Send,
    ) -> Result<R, Problem> {
        let (at, token) = (self.at(), TokenHash::of(access));
        let id = self.deps().store.by_token(&token).await?.ok_or(Problem::SessionNotLive)?;
        let account = self.load(&id).await?.ok_or(Problem::SessionNotLive)?;
        let opened = self.policy().session_opened_by(&account, &token, at);
        let session = opened.and_then(|id| account.session(&id)).ok_or(Problem::SessionNotLive)?;
        let found = view(&account, session, at)?;
        // A session may end this much early for it, and never late.
        let idle_grain_s = at.config.session_idle_s.map(|idle_s| (idle_s / 60).min(60));
        if idle_grain_s.is_some_and(|grain_s| at.now >= session.used_at.plus_s(grain_s)) {
            let touch = |account: &mut Account, _: &mut Effects| {
                if let Some(session) = account.session_mut(&session.id) {
                    session.used_at = session.used_at.max(at.now);
                }
            };
            // The look succeeded. That it cannot be noted now ends the session a little earlier, at most.
            let _ = self.transact(&id, touch).await;
        }
        Ok(found)
    }

    /// Finds the session that an access credential opens, and runs one change in it.
    pub(super) async fn change_session<R: Send>(
        &self,
        access: &str,
        mut change: impl FnMut(&mut Account, &SessionId, At<'_>, &mut Effects) -> Result<R, Problem> + Send,
    ) -> Result<R, Problem> {
        let (at, token) = (self.at(), TokenHash::of(access));
        let id = self.deps().store.by_token(&token).await?.ok_or(Problem::SessionNotLive)?;
        let changed = self.transact(&id, |account, effects| {
            let opened = self.policy().session_opened_by(account, &token, at);
            let id = opened.ok_or(Problem::SessionNotLive)?;
            if let Some(session) = account.session_mut(&id) {
                session.used_at = at.now;
            }
            change(account, &id, at, effects)
        });
        changed.await?.unwrap_or(Err(Problem::SessionNotLive))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "an operation is turned away");
        Problem::BUSY
    }
}
