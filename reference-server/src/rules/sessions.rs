//! Which credential opens what, and for how long.

use super::Standard;
use crate::account::{Account, Session, SessionId, Timestamp, TokenHash};
use crate::config::Config;

/// What comes of presenting a refresh credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It is the present one of this session.
    Renew(SessionId),
    /// It was replaced before: the session it belonged to ends (SESS-05).
    Stolen(SessionId),
    /// It is nobody's.
    Unknown,
}

/// Replaced refresh credentials of a session that are still recognised as stolen.
const REPLACED_KEPT: usize = 16;

/// Which credential opens what.
pub trait SessionRules: Send + Sync {
    /// The session that this access credential opens. A pending handle, a refresh or a trust credential opens none
    /// (SESS-01, DEV-05).
    fn opened_by(&self, account: &Account, presented: &TokenHash, now: Timestamp, config: &Config) -> Option<SessionId> {
        let session = account.sessions.iter().find(|session| session.access == *presented)?;
        (now < session.access_expires_at && self.lives(session, now, config)).then(|| session.id.clone())
    }

    /// Within its absolute and idle limits (SESS-06).
    fn lives(&self, session: &Session, now: Timestamp, config: &Config) -> bool {
        let idle = config.session_idle_s.is_some_and(|idle| now >= session.used_at.plus_s(idle));
        !idle && now < session.created_at.plus_s(config.session_absolute_s)
    }

    /// What a refresh credential is worth.
    fn renewal(&self, account: &Account, presented: &TokenHash, now: Timestamp, config: &Config) -> Renewal {
        if let Some(session) = account.sessions.iter().find(|session| session.refresh == *presented) {
            return if self.lives(session, now, config) {
                Renewal::Renew(session.id.clone())
            } else {
                Renewal::Unknown
            };
        }
        let replaced = account.sessions.iter().find(|session| session.replaced.contains(presented));
        replaced.map_or(Renewal::Unknown, |session| Renewal::Stolen(session.id.clone()))
    }

    /// Gives a session new credentials; the old ones are dead, and the absolute limit stays where it was (SESS-05, SESS-06).
    fn renew(&self, session: &mut Session, access: TokenHash, refresh: TokenHash, now: Timestamp, config: &Config) {
        session.replaced.push(session.refresh);
        let surplus = session.replaced.len().saturating_sub(REPLACED_KEPT);
        session.replaced.drain(..surplus);
        session.access = access;
        session.access_expires_at = now.plus_s(config.access_ttl_s);
        session.refresh = refresh;
        session.used_at = now;
    }

    /// Ends the session on the server (SESS-04).
    fn sign_out(&self, account: &mut Account, session: &SessionId) {
        account.end_sessions(|other| other.id == *session);
    }
}

impl SessionRules for Standard {}
