//! What attackers achieved, counted from their operations as they happen.

use std::collections::{HashMap, HashSet};

use targets::Refusal;

use super::{Act, Happened, Seen};
use crate::record::Attack;

/// The figures of attackers' operations. Exact whatever part of the histories is kept.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    entered: HashSet<u64>,
    wrong_codes: HashMap<u64, u64>,
    evaluated: u64,
    sends: u64,
}

impl Tally {
    /// Counts an attacker's operation.
    pub fn note(&mut self, happened: &Happened) {
        let Happened { account, act, seen, .. } = *happened;
        if seen == Seen::SignedIn {
            self.entered.insert(account);
        }
        self.evaluated += u64::from(is_judged(act, seen));
        self.sends += u64::from(is_sent(act, seen));
        if matches!(act, Act::Verify { .. }) && seen == Seen::Refused(Refusal::Code) {
            *self.wrong_codes.entry(account).or_default() += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Tally) {
        self.entered.extend(&other.entered);
        for (account, count) in &other.wrong_codes {
            *self.wrong_codes.entry(*account).or_default() += count;
        }
        self.evaluated += other.evaluated;
        self.sends += other.sends;
    }

    /// The figures. What the attack did to others is not seen from here: `collateral` is the caller's.
    pub fn figures(&self) -> Attack {
        Attack {
            accounts_entered: self.entered.len() as u64,
            guesses_evaluated: self.evaluated,
            most_guesses_at_one_account: self.wrong_codes.values().copied().max().unwrap_or(0),
            sends_caused: self.sends,
            collateral: 0.0,
        }
    }
}

/// Whether the service looked at the password or the code. That an update is required is only told after the right
/// password.
fn is_judged(act: Act, seen: Seen) -> bool {
    match act {
        Act::SignIn { .. } => matches!(
            seen,
            Seen::SignedIn | Seen::Challenged(_) | Seen::Refused(Refusal::Credentials | Refusal::UpdateRequired)
        ),
        Act::Verify { .. } => matches!(seen, Seen::SignedIn | Seen::Refused(Refusal::Code)),
        _ => false,
    }
}

fn is_sent(act: Act, seen: Seen) -> bool {
    match act {
        Act::SignIn { .. } => matches!(seen, Seen::Challenged(_)),
        Act::Resend { .. } | Act::Switch { .. } => seen == Seen::Done,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Presented;

    fn happened(account: u64, act: Act, seen: Seen) -> Happened {
        Happened {
            account,
            device: 7,
            act,
            seen,
            started_us: 0,
            done_us: 1,
        }
    }

    #[test]
    fn what_was_judged_sent_and_entered_is_counted_by_account() {
        let sign_in = |password| Act::SignIn { password, app: true };
        let guess = Act::Verify {
            challenge: 0,
            code: Presented::Guess,
        };
        let wrong = Seen::Refused(Refusal::Code);
        let mut here = Tally::default();
        for (account, act, seen) in [
            (1, sign_in(false), Seen::Refused(Refusal::Credentials)),
            (1, sign_in(true), Seen::Challenged(0)),
            (1, guess, wrong),
            (1, guess, Seen::Limited),
            (2, sign_in(true), Seen::Unknown),
            (2, Act::Resend { challenge: 0 }, Seen::Done),
        ] {
            here.note(&happened(account, act, seen));
        }
        let mut there = Tally::default();
        there.note(&happened(1, guess, wrong));
        there.note(&happened(3, guess, Seen::SignedIn));
        there.note(&happened(3, sign_in(true), Seen::SignedIn));
        here.merge(&there);
        let figures = here.figures();
        assert_eq!(figures.accounts_entered, 1);
        assert_eq!(figures.guesses_evaluated, 6);
        assert_eq!(figures.most_guesses_at_one_account, 2);
        assert_eq!(figures.sends_caused, 2);
    }
}
