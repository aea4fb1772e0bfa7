//! Whether what was answered is right: the machine is followed under every reading that is left open, and an answer that
//! none of them gives is a breach.

use std::collections::BTreeMap;

use specs::machine::permitted::Comparison;
use specs::machine::{Answer, ChallengeId, Key, Limits, Op, PermittedBehaviours, State, Status};

use crate::proof::{Breach, Lapse};
use crate::walk::requirement;

/// Why something ended that the machine says is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Removed,
    SignedOut,
    NewPassword,
    Toggled,
    Cancelled,
    Denied,
}

/// What ended, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) sessions: BTreeMap<Key, End>,
    pub(crate) trusts: BTreeMap<Key, End>,
    pub(crate) challenges: BTreeMap<ChallengeId, End>,
}

/// Follows one run.
pub struct Judge {
    readings: PermittedBehaviours,
    ends: Ends,
}

impl Judge {
    /// Two fresh accounts under these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            readings: PermittedBehaviours::new(&State::new(2), limits),
            ends: Ends::default(),
        }
    }

    /// Where the machine stands.
    pub fn state(&self) -> &State {
        self.readings.state()
    }

    /// Takes an answer; a breach with its requirement when no reading explains it. `told` is the operation in words.
    pub fn follow(&mut self, op: &Op, seen: Answer, told: &str) -> Result<(), (String, Breach)> {
        let before = self.state().clone();
        let limits = self.readings.limits().clone();
        let compared = self
            .readings
            .follow(op, seen, |state, expected| compare(state, &limits, op, expected, seen));
        match compared {
            Ok(()) => {
                self.note_ends(&before, op);
                Ok(())
            }
            Err(disagreement) => {
                let broken = requirement::broken(op, &disagreement, &limits, &self.ends);
                let breach = Breach {
                    expected: format!("{told} → {}", disagreement.expected),
                    seen: format!("{told} → {seen}"),
                    lapse: if seen.accepted() { Lapse::Restriction } else { Lapse::Grant },
                };
                Err((broken.to_owned(), breach))
            }
        }
    }

    fn note_ends(&mut self, before: &State, op: &Op) {
        let after = self.readings.state();
        let end = match op {
            Op::Remove { .. } => End::Removed,
            Op::SignOut { .. } => End::SignedOut,
            Op::ChangePassword { .. } | Op::Reset { .. } => End::NewPassword,
            Op::SwitchOn { .. } | Op::SwitchOff { .. } => End::Toggled,
            Op::Cancel { .. } => End::Cancelled,
            Op::Deny { .. } => End::Denied,
            _ => return,
        };
        let gone = |key: &&Key| !after.sessions.contains_key(key);
        self.ends
            .sessions
            .extend(before.sessions.keys().filter(gone).map(|key| (*key, end)));
        let gone = |key: &&Key| !after.trusts.contains_key(key);
        self.ends
            .trusts
            .extend(before.trusts.keys().filter(gone).map(|key| (*key, end)));
        for (id, (old, new)) in (0..).zip(before.challenges.iter().zip(&after.challenges)) {
            if old.status == Status::Live && new.status == Status::Voided {
                self.ends.challenges.insert(id, end);
            }
        }
    }
}

/// Answers are compared by what was granted: whether a refusal is for now or for good is for the checks.
fn compare(state: &State, limits: &Limits, op: &Op, expected: Answer, seen: Answer) -> Comparison {
    let same = match op {
        Op::SignIn { .. } => granted(expected) == granted(seen),
        _ => expected.accepted() == seen.accepted(),
    };
    if same {
        Comparison::Agrees
    } else if is_tolerated(state, limits, op, expected, seen) {
        Comparison::Tolerated
    } else {
        Comparison::Differs
    }
}

fn granted(answer: Answer) -> Option<Answer> {
    Some(answer).filter(|answer| answer.accepted())
}

/// What the specification allows beside what the machine does; it changes nothing.
fn is_tolerated(state: &State, limits: &Limits, op: &Op, expected: Answer, seen: Answer) -> bool {
    match *op {
        // No challenge while no code could be evaluated.
        Op::SignIn { account, .. } if expected == Answer::Challenged && !seen.accepted() => state
            .account(account)
            .is_some_and(|account| account.codes_off || account.locked_until.is_some_and(|until| state.now < until)),
        // Ending what is over, again.
        Op::SignOut { .. } | Op::Cancel { .. } => !expected.accepted(),
        Op::Deny { challenge, by } => {
            let account = state.challenge(challenge).map(|c| c.key.account);
            let key = account.map(|account| Key::new(account, by));
            !expected.accepted() && key.is_some_and(|key| state.signed_in(key, limits) && state.trusted(key, limits))
        }
        // For a while after a reset, email alone does not complete the second step (PWD-07).
        Op::Switch { challenge } => {
            let account = state.challenge(challenge).and_then(|c| state.account(c.key.account));
            !seen.accepted() && account.is_some_and(|account| account.epoch > 0)
        }
        // Refusing to remove the device in hand, with a clear error.
        Op::Remove { account, by, of, device } => !seen.accepted() && (account, by) == (of, device),
        _ => false,
    }
}
