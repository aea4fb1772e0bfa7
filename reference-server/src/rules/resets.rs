//! What a mailed reset is worth.

use super::Standard;
use crate::account::{Account, Reset, Status, Timestamp, TokenHash};
use crate::config::Config;

/// A day in seconds, over which an account's reset messages are counted.
const DAY_S: u64 = 24 * 3600;

/// What a mailed reset is worth.
pub trait ResetRules: Send + Sync {
    /// Whether the account may be mailed another one. The caller is told the same either way (ENUM-04).
    fn may_request(&self, account: &mut Account, now: Timestamp, config: &Config) -> bool {
        account.reset_sends.retain(|at| *at > now.minus_s(DAY_S));
        account.status == Status::Active && account.reset_sends.len() < config.sends_per_account_day as usize
    }

    /// A new one voids those before (PWD-08).
    fn issue(&self, account: &mut Account, reset: Reset, now: Timestamp) {
        account.resets = vec![reset];
        account.reset_sends.push(now);
    }

    /// Spends a reset; `false` when it is not live (PWD-08).
    fn redeem(&self, account: &mut Account, presented: &TokenHash, now: Timestamp) -> bool {
        let live = |reset: &Reset| reset.token == *presented && now < reset.expires_at;
        let redeemed = account.status == Status::Active && account.resets.iter().any(live);
        if redeemed {
            account.resets.clear();
        }
        redeemed
    }

    /// Until when email alone does not complete a second step after a reset, so that the mailbox that opened the reset does
    /// not open the account as well (PWD-07).
    fn email_rests_until(&self, now: Timestamp, config: &Config) -> Option<Timestamp> {
        (config.reset_push_only_s > 0).then(|| now.plus_s(config.reset_push_only_s))
    }
}

impl ResetRules for Standard {}
