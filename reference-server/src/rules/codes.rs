//! Which code is right, and for how long.

use super::Standard;
use crate::account::{Account, Challenge, ChallengeId, ChallengeState, StoredCode, Timestamp};
use crate::config::Config;

/// Which code is right.
pub trait CodeRules: Send + Sync {
    /// A new code takes the place of the one before, which is void from here (RSND-02, METH-04).
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        challenge.code = Some(StoredCode::new(&challenge.id, code, now));
    }

    /// Whether the challenge can still be used: live, and within the hard limit that counts from its opening and that no
    /// resend moves (LIFE-02). Half-open: at the limit it is over (TIME-01).
    fn is_open(&self, challenge: &Challenge, now: Timestamp, config: &Config) -> bool {
        challenge.state == ChallengeState::Live && now < challenge.created_at.plus_s(config.challenge_max_s)
    }

    /// When the present code lapses: its lifetime from its own issue, and never past the challenge's limit (LIFE-01).
    fn expires_at(&self, challenge: &Challenge, config: &Config) -> Timestamp {
        let limit = challenge.created_at.plus_s(config.challenge_max_s);
        challenge.code.as_ref().map_or(challenge.created_at, |code| {
            code.issued_at.plus_s(config.code_ttl_s).min(limit)
        })
    }

    /// Whether the submitted text is the code of this challenge of this account, and fresh (BIND-01, BIND-02, CODE-04,
    /// LIFE-01). Compared in constant time (CODE-05).
    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, config: &Config) -> bool {
        account.challenge(challenge).is_some_and(|challenge| {
            let right = challenge.code.as_ref().is_some_and(|code| code.is(&challenge.id, submitted));
            right && now < self.expires_at(challenge, config)
        })
    }

    /// An accepted code consumes the whole challenge (LIFE-03).
    fn redeem(&self, challenge: &mut Challenge) {
        challenge.code = None;
        challenge.state = ChallengeState::Verified;
    }
}

impl CodeRules for Standard {}
