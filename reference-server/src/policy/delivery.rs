//! By which method a code is sent when nobody has chosen one.

use super::{At, Policy};
use crate::account::{Account, Challenge, Method};

/// As [`Policy::first_method`], for a challenge whose device may itself hold the only registration: then email (METH-07).
pub fn method_for(policy: &dyn Policy, account: &Account, challenge: &Challenge, at: At<'_>) -> Option<Method> {
    let first = policy.first_method(account, at)?;
    let reached = |challenge| !policy.push_recipients(account, challenge, at).is_empty();
    if first == Method::Push && reached(None) && !reached(Some(challenge)) {
        return policy.may_use(Method::Email, at).then_some(Method::Email);
    }
    Some(first)
}

/// Whether email has to wait although it is switched on: for a time after a reset by email, where a trusted device can
/// receive the code (PWD-07).
pub fn email_rests(policy: &dyn Policy, account: &Account, at: At<'_>) -> bool {
    account.email_rests_until.is_some_and(|until| at.now < until) && !policy.push_recipients(account, None, at).is_empty()
}
