//! How often a message may be sent.

use super::{CodeRules, Standard};
use crate::account::{Account, Challenge, Timestamp};
use crate::config::Config;

/// Why nothing is sent now, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// The cool-down is not over.
    TooSoon(Timestamp),
    /// The account has as many live challenges as it may.
    TooManyChallenges(Timestamp),
    /// The challenge or the account has caused as many messages as it may.
    Spent(Timestamp),
}

/// A day in seconds, over which an account's messages are counted.
const DAY_S: u64 = 24 * 3600;

/// How often a message may be sent.
pub trait SendRules: Send + Sync {
    /// Whether step one may open a challenge. At the bound a new one is refused and none is evicted (SIGN-06); a sign-in
    /// tapped twice on one device makes one message (RSND-03).
    fn may_open(
        &self,
        account: &mut Account,
        installation: &str,
        now: Timestamp,
        config: &Config,
        codes: &dyn CodeRules,
    ) -> Result<(), NotNow> {
        let open = || {
            account
                .challenges
                .iter()
                .filter(|challenge| codes.is_open(challenge, now, config))
        };
        if let Some(last) = open()
            .filter(|challenge| challenge.installation == installation)
            .map(|challenge| challenge.sent_at)
            .max()
        {
            let ready = last.plus_s(config.resend_cooldown_s);
            if now < ready {
                return Err(NotNow::TooSoon(ready));
            }
        }
        if open().count() >= config.live_challenges as usize {
            let first = open()
                .map(|challenge| challenge.created_at.plus_s(config.challenge_max_s))
                .min();
            return Err(NotNow::TooManyChallenges(first.unwrap_or(now)));
        }
        self.account_may_send(account, now, config)
    }

    /// Whether this challenge may have another message, by whatever method (RSND-03).
    fn may_send(&self, account: &mut Account, challenge: &Challenge, now: Timestamp, config: &Config) -> Result<(), NotNow> {
        let ready = challenge.sent_at.plus_s(config.resend_cooldown_s);
        if now < ready {
            return Err(NotNow::TooSoon(ready));
        }
        if challenge.sends >= config.sends_per_challenge {
            return Err(NotNow::Spent(challenge.created_at.plus_s(config.challenge_max_s)));
        }
        self.account_may_send(account, now, config)
    }

    /// Whether the account may have another message today, over all challenges and methods (RSND-03).
    fn account_may_send(&self, account: &mut Account, now: Timestamp, config: &Config) -> Result<(), NotNow> {
        let start = now.minus_s(DAY_S);
        account.sends.retain(|at| *at > start);
        match account.sends.first() {
            Some(first) if account.sends.len() >= config.sends_per_account_day as usize => {
                Err(NotNow::Spent(first.plus_s(DAY_S)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a message.
    fn sent(&self, account: &mut Account, challenge: &crate::account::ChallengeId, now: Timestamp) {
        account.sends.push(now);
        if let Some(challenge) = account.challenge_mut(challenge) {
            challenge.sends += 1;
            challenge.sent_at = now;
        }
    }
}

impl SendRules for Standard {}
