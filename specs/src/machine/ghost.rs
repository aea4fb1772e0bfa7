//! Ghost state: what really happened, for the invariants alone. No decision reads it, because a machine that errs has its own
//! records wrong as well: a resend that clears the counter of attempts does not clear what was guessed.

use crate::machine::limits::Limits;
use crate::machine::op::{Answer, Op};
use crate::machine::state::{AccountId, ChallengeId, Seconds, State};
use crate::machine::step::{Transition, presented};

/// The ghost state beside a [`State`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// By account.
    pub budgets: Vec<Budget>,
    /// By challenge.
    pub challenges: Vec<Past>,
}

/// Guesses that were compared with a code of this account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// When the wrong ones of this window were, since the last success or lock.
    pub wrong: Vec<Seconds>,
    /// Wrong ones since the last success.
    pub consecutive: u32,
    /// Until when no guess may be evaluated.
    pub locked_until: Option<Seconds>,
}

/// What happened to one challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// Number of the code that was sent last.
    pub newest: u8,
    /// When it was sent.
    pub issued_at: Seconds,
    /// Messages sent.
    pub sends: u32,
    /// Wrong guesses evaluated.
    pub wrong: u32,
    /// Whether it, or a code of it, was accepted.
    pub accepted: bool,
    /// Whether the account's password or setting changed since it was opened.
    pub outdated: bool,
}

impl Ghost {
    pub(crate) fn new(accounts: usize) -> Self {
        Self {
            budgets: vec![Budget::default(); accounts],
            challenges: Vec::new(),
        }
    }

    /// The past of a challenge.
    pub fn past(&self, id: ChallengeId) -> Option<&Past> {
        self.challenges.get(usize::from(id))
    }

    /// The guesses at an account's codes.
    pub fn budget(&self, id: AccountId) -> Option<&Budget> {
        self.budgets.get(usize::from(id))
    }
}

/// Writes down what an operation did.
pub(crate) fn record(limits: &Limits, before: &State, op: &Op, transition: &mut Transition) {
    let now = before.now;
    let account = op.account(|id| before.challenge(id).map(|c| c.key.account));
    let after = &mut transition.state;
    let ghost = &mut after.ghost;
    while ghost.challenges.len() < after.challenges.len() {
        ghost.challenges.push(Past::default());
    }
    if let Some(message) = &transition.message
        && let Some(past) = ghost.challenges.get_mut(usize::from(message.code.challenge))
    {
        past.newest = message.code.number;
        past.issued_at = now;
        past.sends += 1;
    }
    let budget = account.and_then(|id| ghost.budgets.get_mut(usize::from(id)));
    match (op, budget) {
        (Op::Verify { challenge, guess }, Some(budget)) if transition.evaluated => {
            if transition.answer == Answer::SignedIn {
                *budget = Budget::default();
                let code = presented(before, *challenge, *guess);
                for id in [Some(*challenge), code.map(|code| code.challenge)].into_iter().flatten() {
                    if let Some(past) = ghost.challenges.get_mut(usize::from(id)) {
                        past.accepted = true;
                    }
                }
            } else {
                budget.guessed(now, limits);
                if let Some(past) = ghost.challenges.get_mut(usize::from(*challenge)) {
                    past.wrong += 1;
                }
            }
        }
        (Op::ChangePassword { .. } | Op::Reset { .. }, Some(budget)) if transition.answer == Answer::Done => {
            budget.consecutive = 0;
            outdate(after, account);
        }
        (Op::SwitchOff { .. } | Op::SwitchOn { .. }, _) if before.accounts != after.accounts => outdate(after, account),
        (Op::Tick(_), _) => {
            for budget in &mut ghost.budgets {
                budget.locked_until = budget.locked_until.filter(|until| after.now < *until);
            }
        }
        _ => {}
    }
}

impl Budget {
    fn guessed(&mut self, now: Seconds, limits: &Limits) {
        self.consecutive += 1;
        if let Some(window) = limits.window {
            self.wrong.retain(|at| now < at.saturating_add(window));
        }
        self.wrong.push(if limits.window.is_some() { now } else { 0 });
        if self.wrong.len() >= limits.account_wrong as usize {
            self.wrong.clear();
            self.locked_until = Some(now.saturating_add(limits.lock));
        }
    }
}

fn outdate(state: &mut State, account: Option<AccountId>) {
    for (challenge, past) in state.challenges.iter().zip(&mut state.ghost.challenges) {
        past.outdated |= Some(challenge.key.account) == account;
    }
}
