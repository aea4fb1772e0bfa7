//! The operations of a session: use, renewal, removal, the two-step setting, the password.

use crate::machine::limits::stamp;
use crate::machine::op::{Answer, Misuse};
use crate::machine::state::{AccountId, ChallengeId, Key, Status};
use crate::machine::step::Machine;

/// A pending handle where a session is needed.
pub(crate) fn misuse(m: &mut Machine<'_>, id: ChallengeId, misuse: Misuse) -> Option<Answer> {
    let key = m.state.challenge(id)?.key;
    if !m.rules.pending_may(misuse) {
        return Some(Answer::Refused);
    }
    match misuse {
        Misuse::Use => {}
        Misuse::SwitchOff => m.state.accounts.get_mut(usize::from(key.account))?.two_step = false,
        Misuse::Remove(device) => forget(m, Key::new(key.account, device)),
    }
    Some(Answer::Done)
}

/// A request with an access credential.
pub(crate) fn use_session(m: &mut Machine<'_>, key: Key) -> Option<Answer> {
    if !m.state.signed_in(key, m.limits) {
        return Some(Answer::Refused);
    }
    m.state.sessions.get_mut(&key)?.used = stamp(m.state.now, &[m.limits.session_idle]);
    Some(Answer::Done)
}

/// A renewal. The absolute limit counts from the session's opening, whatever is renewed.
pub(crate) fn refresh(m: &mut Machine<'_>, key: Key) -> Option<Answer> {
    let live = m.state.signed_in(key, m.limits);
    let session = m.state.sessions.get(&key).filter(|_| live);
    if !m.rules.renews(session) {
        return Some(Answer::Refused);
    }
    if live {
        m.state.sessions.get_mut(&key)?.used = stamp(m.state.now, &[m.limits.session_idle]);
    } else {
        m.admit(key);
    }
    Some(Answer::SignedIn)
}

/// The session ends, trust stays.
pub(crate) fn sign_out(m: &mut Machine<'_>, key: Key) -> Option<Answer> {
    if !m.state.signed_in(key, m.limits) {
        return Some(Answer::Refused);
    }
    if m.rules.sign_out_ends_session() {
        m.state.sessions.remove(&key);
    }
    if m.rules.sign_out_ends_trust() {
        m.state.trusts.remove(&key);
    }
    Some(Answer::Done)
}

/// A device is removed. Unknown and foreign ones get the same answer.
pub(crate) fn remove(m: &mut Machine<'_>, by: Key, gone: Key) -> Option<Answer> {
    if !m.state.signed_in(by, m.limits) {
        return Some(Answer::Refused);
    }
    if by.account == gone.account || !m.rules.removes_only_own() {
        forget(m, gone);
    }
    Some(Answer::Done)
}

fn forget(m: &mut Machine<'_>, gone: Key) {
    if !m.state.trusts.contains_key(&gone) && !m.state.sessions.contains_key(&gone) {
        return;
    }
    if m.rules.removal_ends_session() {
        m.state.sessions.remove(&gone);
    }
    if m.rules.removal_ends_trust() {
        m.state.trusts.remove(&gone);
    }
    if m.rules.removal_ends_challenges() {
        void(m, |key| key == gone);
    }
}

fn void(m: &mut Machine<'_>, whose: impl Fn(Key) -> bool) {
    for challenge in &mut m.state.challenges {
        if challenge.status == Status::Live && whose(challenge.key) {
            challenge.status = Status::Voided;
        }
    }
}

/// Two-step verification off.
pub(crate) fn switch_off(m: &mut Machine<'_>, by: Key, proof: bool) -> Option<Answer> {
    if !m.state.signed_in(by, m.limits) || (!proof && m.rules.switching_off_needs_proof()) {
        return Some(Answer::Refused);
    }
    set(m, by, false)
}

/// Two-step verification on: whoever signed in without being trusted is asked for a code again.
pub(crate) fn switch_on(m: &mut Machine<'_>, by: Key) -> Option<Answer> {
    if !m.state.signed_in(by, m.limits) {
        return Some(Answer::Refused);
    }
    set(m, by, true)
}

fn set(m: &mut Machine<'_>, by: Key, on: bool) -> Option<Answer> {
    let account = by.account;
    let entry = m.state.accounts.get_mut(usize::from(account))?;
    if entry.two_step == on {
        return Some(Answer::Done);
    }
    entry.two_step = on;
    if m.rules.toggle_ends_challenges() {
        void(m, |key| key.account == account);
    }
    if on && m.rules.switching_on_ends_untrusted() {
        let trusted = m.state.trusted_devices(account, m.limits);
        let spared = |key: &Key| *key == by && m.rules.switching_on_spares_acting();
        let stays = |key: &Key| key.account != account || trusted.contains(&key.device) || spared(key);
        m.state.sessions.retain(|key, _| stays(key));
    }
    Some(Answer::Done)
}

/// A new password from a session: everyone else starts over.
pub(crate) fn change_password(m: &mut Machine<'_>, by: Key, current: bool) -> Option<Answer> {
    if !m.state.signed_in(by, m.limits) || !current {
        return Some(Answer::Refused);
    }
    let other = |key: &Key| key.account == by.account && *key != by;
    if m.rules.change_ends_other_trust() {
        m.state.trusts.retain(|key, _| !other(key));
    }
    if m.rules.new_password_ends_sessions() {
        m.state.sessions.retain(|key, _| !other(key));
    }
    new_password(m, by.account)
}

/// A new password by email: nobody stays signed in, and trust stays, because it is worthless without the new password.
pub(crate) fn reset(m: &mut Machine<'_>, account: AccountId) -> Option<Answer> {
    if m.rules.new_password_ends_sessions() {
        m.state.sessions.retain(|key, _| key.account != account);
    }
    if m.rules.reset_ends_trust() {
        m.state.trusts.retain(|key, _| key.account != account);
    }
    if let Some(device) = m.rules.reset_signs_in() {
        m.admit(Key::new(account, device));
    }
    new_password(m, account)
}

fn new_password(m: &mut Machine<'_>, account: AccountId) -> Option<Answer> {
    if m.rules.new_password_ends_challenges() {
        void(m, |key| key.account == account);
    }
    let entry = m.state.accounts.get_mut(usize::from(account))?;
    entry.epoch = entry.epoch.saturating_add(1);
    entry.codes_off = false;
    entry.consecutive = 0;
    if m.rules.new_password_lifts_lock() {
        entry.wrong.clear();
        entry.locked_until = None;
    }
    Some(Answer::Done)
}
