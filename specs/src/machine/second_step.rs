//! The operations of a pending challenge.

use crate::channel::Channel;
use crate::machine::limits::stamp;
use crate::machine::op::{Answer, Guess};
use crate::machine::rules::Submission;
use crate::machine::state::{ChallengeId, DeviceId, Key, Status};
use crate::machine::step::{Machine, presented};

/// The order: account, lock, challenge, freshness, reserve an attempt, compare, commit. Reserving before comparing is what
/// keeps the budget when guesses race.
pub(crate) fn verify(m: &mut Machine<'_>, id: ChallengeId, guess: Guess) -> Option<Answer> {
    let now = m.state.now;
    let challenge = m.state.challenge(id)?.clone();
    let account = m.state.account(challenge.key.account)?;
    if account.codes_off || m.rules.is_locked(account, now) {
        return Some(Answer::Limited);
    }
    if !m.rules.takes_guesses(&challenge, now, m.limits) || !m.rules.has_guess_left(challenge.attempts, m.limits) {
        return Some(Answer::Refused);
    }
    let fresh = m.rules.is_fresh(&challenge, now, m.limits);
    if !fresh && !m.rules.counts_stale_guesses() {
        return Some(Answer::Refused);
    }
    m.state.challenges.get_mut(usize::from(id))?.attempts += 1;
    m.evaluated = fresh;
    let shown = Submission {
        challenge: &challenge,
        newest: m.state.newest_code(id)?,
        code: presented(&m.state, id, guess),
        state: &m.state,
    };
    if fresh && m.rules.matches(shown) {
        let status = m.rules.after_acceptance();
        m.state.challenges.get_mut(usize::from(id))?.status = status;
        let account = m.state.accounts.get_mut(usize::from(challenge.key.account))?;
        account.wrong.clear();
        account.consecutive = 0;
        account.locked_until = None;
        m.grant(challenge.key);
        m.admit(challenge.key);
        return Some(Answer::SignedIn);
    }
    count_wrong(m, id)?;
    Some(Answer::Refused)
}

fn count_wrong(m: &mut Machine<'_>, id: ChallengeId) -> Option<()> {
    let now = m.state.now;
    let challenge = m.state.challenges.get_mut(usize::from(id))?;
    if !m.rules.has_guess_left(challenge.attempts, m.limits) {
        challenge.status = Status::Exhausted;
    }
    let account = m.state.accounts.get_mut(usize::from(challenge.key.account))?;
    if let Some(window) = m.limits.window {
        account.wrong.retain(|at| now < at.saturating_add(window));
    }
    account.wrong.push(stamp(now, &[m.limits.window]));
    account.consecutive += 1;
    if m.rules.locks(account.wrong.len(), m.limits) {
        if m.rules.lock_empties_window() {
            account.wrong.clear();
        }
        account.locked_until = Some(now.saturating_add(m.limits.lock));
    }
    if m.rules.turns_codes_off(account.consecutive, m.limits) {
        account.codes_off = true;
    }
    Some(())
}

/// A resend, or a switch of the method: a new code, and the old one is void.
pub(crate) fn send_again(m: &mut Machine<'_>, id: ChallengeId, method: Option<Channel>) -> Option<Answer> {
    let now = m.state.now;
    let challenge = m.state.challenge(id)?.clone();
    if !m.rules.can_be_resent(&challenge, now, m.limits) {
        return Some(Answer::Refused);
    }
    if method == Some(Channel::Email) && !m.rules.offers_email() {
        return Some(Answer::Refused);
    }
    let mut method = method.unwrap_or(challenge.method);
    if method == Channel::Push {
        let trusted = m.state.trusted_devices(challenge.key.account, m.limits);
        if m.rules.recipients(trusted, challenge.key.device).is_empty() {
            if !m.rules.falls_back_to_email() {
                return Some(Answer::Refused);
            }
            method = Channel::Email;
        }
    }
    let sent_today = m.sent_today(challenge.key.account)?;
    if !m.rules.cooled_down(Some(challenge.issued_at), now, m.limits) || !m.rules.may_send(challenge.sends, sent_today, m.limits)
    {
        return Some(Answer::Limited);
    }
    let attempts = m.rules.attempts_after_send(challenge.attempts);
    let entry = m.state.challenges.get_mut(usize::from(id))?;
    entry.status = Status::Live;
    entry.former_method = Some(entry.method);
    entry.method = method;
    entry.newest += 1;
    entry.issued_at = now;
    entry.attempts = attempts;
    m.deliver(id)?;
    Some(Answer::Done)
}

/// The pending device gives up.
pub(crate) fn cancel(m: &mut Machine<'_>, id: ChallengeId) -> Option<Answer> {
    end(m, id)
}

/// A trusted device of the same account refuses the challenge.
pub(crate) fn deny(m: &mut Machine<'_>, id: ChallengeId, by: DeviceId) -> Option<Answer> {
    let key = Key::new(m.state.challenge(id)?.key.account, by);
    if !m.state.signed_in(key, m.limits) || !m.state.trusted(key, m.limits) {
        return Some(Answer::Refused);
    }
    end(m, id)
}

fn end(m: &mut Machine<'_>, id: ChallengeId) -> Option<Answer> {
    let now = m.state.now;
    let takes_guesses = m.rules.takes_guesses(m.state.challenge(id)?, now, m.limits);
    let challenge = m.state.challenges.get_mut(usize::from(id))?;
    if !takes_guesses {
        return Some(Answer::Refused);
    }
    challenge.status = Status::Voided;
    Some(Answer::Done)
}
