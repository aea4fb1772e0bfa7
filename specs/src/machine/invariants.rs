//! The ten promises. Each is a function over one step: the state before it, with its ghost, what was done, what was
//! answered and sent, and the state after it. They ask what happened, never what the machine thought about it.

use crate::machine::limits::Limits;
use crate::machine::op::{Answer, App, Code, Misuse, Op, Password};
use crate::machine::rules::Rules;
use crate::machine::state::{AccountId, Key, State, Status};
use crate::machine::step::{Message, Recipient, Transition, presented, step};

/// One step, as the invariants see it.
#[derive(Clone, Copy, Debug)]
pub struct Stepped<'a> {
    /// The state before, with the ghost until then.
    pub before: &'a State,
    pub op: &'a Op,
    pub transition: &'a Transition,
    pub limits: &'a Limits,
}

/// The promises by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the functions below tell each one")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
}

impl Invariant {
    /// All ten.
    pub const ALL: [Invariant; 10] = {
        use Invariant::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10};
        [I1, I2, I3, I4, I5, I6, I7, I8, I9, I10]
    };

    /// Its name in words.
    pub fn title(self) -> &'static str {
        match self {
            Invariant::I1 => "I1 no session and no trust without the second step",
            Invariant::I2 => "I2 a code and a challenge are accepted once",
            Invariant::I3 => "I3 an accepted code is the newest one of its challenge, and fresh",
            Invariant::I4 => "I4 guesses stay within their budget",
            Invariant::I5 => "I5 a pending handle has no rights",
            Invariant::I6 => "I6 what was removed or signed out stays out",
            Invariant::I7 => "I7 codes reach whom they are for, within the caps",
            Invariant::I8 => "I8 nobody is disturbed by someone else",
            Invariant::I9 => "I9 a change of password or setting ends what was before it",
            Invariant::I10 => "I10 the owner always gets in",
        }
    }
}

/// The promises that this step breaks. I10 speaks of states rather than steps: see [`no_dead_end`].
pub fn breaches(step: &Stepped<'_>) -> Vec<Invariant> {
    type Holds = fn(&Stepped<'_>) -> bool;
    const OF_A_STEP: [(Invariant, Holds); 9] = [
        (Invariant::I1, second_step_is_necessary),
        (Invariant::I2, accepted_once),
        (Invariant::I3, bound_and_fresh),
        (Invariant::I4, within_guess_budget),
        (Invariant::I5, pending_has_no_rights),
        (Invariant::I6, removal_is_final),
        (Invariant::I7, delivered_in_scope),
        (Invariant::I8, nobody_else_is_disturbed),
        (Invariant::I9, epochs_end),
    ];
    let broken = OF_A_STEP.iter().filter(|(_, holds)| !holds(step));
    broken.map(|(invariant, _)| *invariant).collect()
}

/// **I1.** While two-step verification is on, a session comes only from the accepted challenge of that very device and
/// account, or from the right password on a device trusted then; trust comes only from such a challenge.
pub fn second_step_is_necessary(step: &Stepped<'_>) -> bool {
    let (before, after) = (step.before, &step.transition.state);
    let verified = step.verified();
    let trust_is_earned = after
        .trusts
        .keys()
        .all(|key| before.trusts.contains_key(key) || verified == Some(*key));
    let earned = |key: &Key| match *step.op {
        Op::SignIn {
            account,
            device,
            password,
            ..
        } => {
            let off = before.account(account).is_some_and(|a| !a.two_step);
            *key == Key::new(account, device) && password == Password::Right && (off || before.trusted(*key, step.limits))
        }
        // A renewal of what is not alive is judged as a removal that did not hold.
        Op::Refresh { account, device } => *key == Key::new(account, device),
        _ => verified == Some(*key),
    };
    let opened = after.sessions.keys().filter(|key| !before.sessions.contains_key(key));
    let by_sign_in = match *step.op {
        Op::SignIn { account, device, .. } if step.transition.answer == Answer::SignedIn => Some(Key::new(account, device)),
        _ => None,
    };
    trust_is_earned && opened.chain(&by_sign_in).all(earned)
}

/// **I2.** Each code is accepted once at most, and each challenge is verified once at most.
pub fn accepted_once(step: &Stepped<'_>) -> bool {
    let Some((code, challenge)) = step.accepted() else {
        return true;
    };
    let used = |id| step.before.ghost.past(id).is_some_and(|past| past.accepted);
    !used(challenge) && !code.is_some_and(|code| used(code.challenge))
}

/// **I3.** An accepted code was the one issued last for that challenge, within its own lifetime and the challenge's.
pub fn bound_and_fresh(step: &Stepped<'_>) -> bool {
    let Some((code, id)) = step.accepted() else { return true };
    let (Some(past), Some(challenge)) = (step.before.ghost.past(id), step.before.challenge(id)) else {
        return false;
    };
    let (now, limits) = (step.before.now, step.limits);
    let newest = Code {
        challenge: id,
        number: past.newest,
    };
    code == Some(newest) && now < past.issued_at + limits.code_ttl && now < challenge.created_at + limits.challenge_max
}

/// **I4.** No guess is evaluated beyond the cap of its challenge, the limit of its account, or the hard limit in a row,
/// counted over all challenges, resends and methods.
pub fn within_guess_budget(step: &Stepped<'_>) -> bool {
    let Op::Verify { challenge, .. } = *step.op else { return true };
    if !step.transition.evaluated {
        return true;
    }
    let (before, limits) = (step.before, step.limits);
    let (Some(past), Some(account)) = (before.ghost.past(challenge), step.account()) else {
        return false;
    };
    let budget = before.ghost.budget(account);
    past.wrong < limits.attempts
        && budget.is_some_and(|budget| {
            budget.locked_until.is_none_or(|until| before.now >= until) && budget.consecutive < limits.consecutive
        })
}

/// **I5.** A pending handle does nothing but for its own challenge.
pub fn pending_has_no_rights(step: &Stepped<'_>) -> bool {
    let Op::Misuse { .. } = step.op else { return true };
    !step.transition.answer.accepted() && same_but_ghost(step.before, &step.transition.state)
}

/// **I6.** After a removal is answered, the device has neither session nor trust nor a pending challenge; after signing out
/// it has no session; and what is not alive is never renewed or used.
pub fn removal_is_final(step: &Stepped<'_>) -> bool {
    let (before, after) = (step.before, &step.transition.state);
    let done = step.transition.answer.accepted();
    match *step.op {
        Op::Remove { account, of, device, .. } if done && account == of => {
            let gone = Key::new(of, device);
            let known = before.trusts.contains_key(&gone) || before.sessions.contains_key(&gone);
            let pending = known && after.challenges.iter().any(|c| c.key == gone && c.status == Status::Live);
            !after.trusts.contains_key(&gone) && !after.sessions.contains_key(&gone) && !pending
        }
        Op::SignOut { account, device } if done => !after.sessions.contains_key(&Key::new(account, device)),
        Op::Refresh { account, device } | Op::Use { account, device } if done => {
            before.signed_in(Key::new(account, device), step.limits)
        }
        _ => true,
    }
}

/// **I7.** A code is sent only after the right password or for a challenge that is alive; it reaches the devices trusted
/// then and never the asking one, or the account's address, and never nobody; it is the valid one; and the caps and the cool-down hold.
pub fn delivered_in_scope(step: &Stepped<'_>) -> bool {
    let Some(message) = &step.transition.message else {
        return true;
    };
    let (before, after) = (step.before, &step.transition.state);
    let Some(challenge) = after.challenge(message.code.challenge) else {
        return false;
    };
    let asked_for = match *step.op {
        Op::SignIn { password, .. } => password == Password::Right,
        Op::Resend { challenge } | Op::Switch { challenge } => {
            let past = before.ghost.past(challenge);
            past.is_some_and(|past| !past.accepted && before.now >= past.issued_at + step.limits.cooldown)
        }
        _ => false,
    };
    let valid = after.newest_code(message.code.challenge) == Some(message.code);
    let past = after.ghost.past(message.code.challenge);
    let within_cap = past.is_some_and(|past| past.sends <= step.limits.sends);
    let sends = after.account(challenge.key.account).map_or(0, |account| account.sends.len());
    let within_day = sends <= step.limits.account_sends as usize;
    asked_for && reaches_its_own(before, message, challenge.key, step.limits) && valid && within_cap && within_day
}

fn reaches_its_own(before: &State, message: &Message, key: Key, limits: &Limits) -> bool {
    match &message.to {
        Recipient::Mailbox(account) => *account == key.account,
        Recipient::Devices(devices) => {
            let trusted = |device: &u8| before.trusted(Key::new(key.account, *device), limits);
            !devices.is_empty() && devices.iter().all(|device| *device != key.device && trusted(device))
        }
    }
}

/// **I8.** What is done about one account changes nothing of another; what is done without the password, or by a pending
/// device, changes no trust, no session, no setting and no other challenge; and a trusted device with the right password is
/// signed in, whatever others did.
pub fn nobody_else_is_disturbed(step: &Stepped<'_>) -> bool {
    let (before, after) = (step.before, &step.transition.state);
    let acting = step.account();
    let ids = (0..before.accounts.len()).filter_map(|id| AccountId::try_from(id).ok());
    let others_are_untouched =
        matches!(step.op, Op::Tick(_)) || ids.filter(|id| Some(*id) != acting).all(|id| same_account(before, after, id));
    others_are_untouched
        && match *step.op {
            Op::SignIn {
                password: Password::Wrong | Password::Former,
                ..
            } => {
                let spent = step.transition.answer.accepted() || !same_but_ghost(before, after);
                // A message without the password is judged as a delivery.
                !spent || step.transition.message.is_some()
            }
            Op::SignIn {
                account,
                device,
                password: Password::Right,
                app,
            } => {
                let trusted = before.trusted(Key::new(account, device), step.limits);
                let kept_out = trusted && app == App::Current && step.transition.answer != Answer::SignedIn;
                !kept_out && nothing_is_lost(before, after, None)
            }
            Op::Verify { challenge, .. } | Op::Resend { challenge } | Op::Switch { challenge } | Op::Cancel { challenge } => {
                nothing_is_lost(before, after, Some(challenge))
            }
            _ => true,
        }
}

/// Trust, sessions, settings and every other challenge are still there.
fn nothing_is_lost(before: &State, after: &State, own: Option<u8>) -> bool {
    before.trusts.keys().all(|key| after.trusts.contains_key(key))
        && before.sessions.keys().all(|key| after.sessions.contains_key(key))
        && before
            .accounts
            .iter()
            .zip(&after.accounts)
            .all(|(b, a)| (b.two_step, b.epoch) == (a.two_step, a.epoch))
        && before
            .challenges
            .iter()
            .zip(&after.challenges)
            .enumerate()
            .all(|(id, (b, a))| own == u8::try_from(id).ok() || b == a)
}

fn same_account(before: &State, after: &State, id: AccountId) -> bool {
    let of = |key: &Key| key.account == id;
    before.account(id) == after.account(id)
        && before
            .trusts
            .iter()
            .filter(|(key, _)| of(key))
            .eq(after.trusts.iter().filter(|(key, _)| of(key)))
        && before
            .sessions
            .iter()
            .filter(|(key, _)| of(key))
            .eq(after.sessions.iter().filter(|(key, _)| of(key)))
        && before
            .challenges
            .iter()
            .filter(|c| of(&c.key))
            .eq(after.challenges.iter().filter(|c| of(&c.key)))
}

fn same_but_ghost(before: &State, after: &State) -> bool {
    (before.now, &before.accounts, &before.trusts) == (after.now, &after.accounts, &after.trusts)
        && (&before.sessions, &before.challenges) == (&after.sessions, &after.challenges)
}

/// **I9.** After a new password or a change of the setting, no earlier challenge is accepted and no earlier session lives,
/// the acting one aside; after a change from a session, no other device is trusted.
pub fn epochs_end(step: &Stepped<'_>) -> bool {
    let (before, after) = (step.before, &step.transition.state);
    let outdated = |id| before.ghost.past(id).is_some_and(|past| past.outdated);
    if step.accepted().is_some_and(|(_, id)| outdated(id)) {
        return false;
    }
    if step.transition.answer != Answer::Done {
        return true;
    }
    let sessions = |id: AccountId| after.sessions.keys().filter(move |key| key.account == id);
    match *step.op {
        Op::ChangePassword { account, by, .. } => {
            let other = |key: &Key| key.account == account && key.device != by;
            !after.trusts.keys().any(other) && sessions(account).all(|key| key.device == by)
        }
        Op::Reset { account } => sessions(account).count() == 0,
        Op::SwitchOn { account, by } if before.account(account) != after.account(account) => {
            sessions(account).all(|key| key.device == by || after.trusted(*key, step.limits))
        }
        _ => true,
    }
}

/// **I10.** From this state the owner, with the password and the mailbox, gets in on a device that was never seen: after
/// the longest lock and the longest challenge, with one reset where codes were off. The caps on messages are left out: an
/// account whose day is spent waits for the next one.
pub fn no_dead_end(rules: &dyn Rules, limits: &Limits, state: &State, account: AccountId) -> bool {
    const UNSEEN: u8 = u8::MAX;
    let next = |state: &State, op: Op| step(rules, limits, state, &op);
    let mut state = next(state, Op::Tick(limits.lock.max(limits.challenge_max))).state;
    if state.account(account).is_some_and(|a| a.codes_off) {
        state = next(&state, Op::Reset { account }).state;
    }
    let opened = next(
        &state,
        Op::SignIn {
            account,
            device: UNSEEN,
            password: Password::Right,
            app: App::Current,
        },
    );
    if opened.answer == Answer::SignedIn {
        return state.account(account).is_some_and(|a| !a.two_step);
    }
    let Some(message) = opened.message else { return false };
    let challenge = message.code.challenge;
    // The owner may hold no other device: what counts is what reaches the mailbox.
    let mut state = opened.state;
    if message.to != Recipient::Mailbox(account) {
        state = next(&state, Op::Tick(limits.cooldown)).state;
        let switched = next(&state, Op::Switch { challenge });
        if switched
            .message
            .is_none_or(|message| message.to != Recipient::Mailbox(account))
        {
            return false;
        }
        state = switched.state;
    }
    next(
        &state,
        Op::Verify {
            challenge,
            guess: crate::machine::op::Guess::Right,
        },
    )
    .answer
        == Answer::SignedIn
}

impl Stepped<'_> {
    fn account(&self) -> Option<AccountId> {
        self.op.account(|id| self.before.challenge(id).map(|c| c.key.account))
    }

    /// The code that was accepted here, and the challenge it was accepted for.
    fn accepted(&self) -> Option<(Option<Code>, u8)> {
        match *self.op {
            Op::Verify { challenge, guess } if self.transition.answer == Answer::SignedIn => {
                Some((presented(self.before, challenge, guess), challenge))
            }
            _ => None,
        }
    }

    /// The pair whose challenge was accepted here.
    fn verified(&self) -> Option<Key> {
        let (_, id) = self.accepted()?;
        self.before.challenge(id).map(|c| c.key)
    }
}

/// Wishes that the exploration tries with a pending handle.
pub const WISHES: [Misuse; 3] = [Misuse::Use, Misuse::SwitchOff, Misuse::Remove(0)];
