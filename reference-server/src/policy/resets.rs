//! What a mailed reset is worth.

use super::{At, DAY_S};
use crate::account::{Account, Reset, Status, Timestamp, TokenHash};

/// Whether the account may be mailed another one. The caller is told the same either way (ENUM-04).
pub fn may_request(account: &mut Account, at: At<'_>) -> bool {
    account.reset_sends.retain(|sent_at| *sent_at > at.now.minus_s(DAY_S));
    account.status == Status::Active && account.reset_sends.len() < at.config.sends_per_account_day as usize
}

/// A new one voids those before (PWD-08).
pub fn issue(account: &mut Account, reset: Reset, at: At<'_>) {
    account.resets = vec![reset];
    account.reset_sends.push(at.now);
}

pub fn is_live(account: &Account, presented: &TokenHash, at: At<'_>) -> bool {
    let live = |reset: &Reset| reset.token == *presented && at.now < reset.expires_at;
    account.status == Status::Active && account.resets.iter().any(live)
}

/// Spends a reset; `false` when it is not live (PWD-08).
pub fn redeem(account: &mut Account, presented: &TokenHash, at: At<'_>) -> bool {
    let live = is_live(account, presented, at);
    if live {
        account.resets.clear();
    }
    live
}

/// Until when email alone does not complete a second step after a reset, so that the mailbox that opened the reset does not
/// open the account as well (PWD-07).
pub fn email_rests_until(at: At<'_>) -> Option<Timestamp> {
    (at.config.reset_push_only_s > 0).then(|| at.now.plus_s(at.config.reset_push_only_s))
}
