//! The two-step setting.

use super::Standard;
use crate::account::{Session, Timestamp};
use crate::config::Config;

/// The two-step setting.
pub trait SettingRules: Send + Sync {
    /// On for every new account (TOGL-01).
    fn on_by_default(&self) -> bool {
        true
    }

    /// Whether the session's last proof of the password is recent enough to switch it off (TOGL-02).
    fn proof_is_fresh(&self, session: &Session, now: Timestamp, config: &Config) -> bool {
        session.proved_at.is_some_and(|at| now < at.plus_s(config.reauth_max_s))
    }
}

impl SettingRules for Standard {}
