//! How long a session lives, and what its refresh credential is worth.

use super::At;
use crate::account::{Session, SessionId};

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

/// Within its absolute and idle limits (SESS-06).
pub fn lives(session: &Session, at: At<'_>) -> bool {
    let idle = |idle_s| at.now >= session.used_at.plus_s(idle_s);
    !at.config.session_idle_s.is_some_and(idle) && at.now < session.created_at.plus_s(at.config.session_absolute_s)
}
