//! What attackers achieved, counted from their operations as they happen.

use std::collections::{HashMap, HashSet};

use targets::Refusal;

use super::{Call, Operation, Response};
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
    pub fn note(&mut self, operation: &Operation) {
        let Operation {
            account, call, response, ..
        } = *operation;
        if response == Response::SignedIn {
            self.entered.insert(account);
        }
        self.evaluated += u64::from(is_judged(call, response));
        self.sends += u64::from(is_sent(call, response));
        if matches!(call, Call::Verify { .. }) && response == Response::Refused(Refusal::Code) {
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
fn is_judged(call: Call, response: Response) -> bool {
    match call {
        Call::SignIn { .. } => matches!(
            response,
            Response::SignedIn | Response::Challenged(_) | Response::Refused(Refusal::Credentials | Refusal::UpdateRequired)
        ),
        Call::Verify { .. } => matches!(response, Response::SignedIn | Response::Refused(Refusal::Code)),
        _ => false,
    }
}

fn is_sent(call: Call, response: Response) -> bool {
    match call {
        Call::SignIn { .. } => matches!(response, Response::Challenged(_)),
        Call::Resend { .. } | Call::Switch { .. } => response == Response::Done,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::CodeUsed;

    fn operation(account: u64, call: Call, response: Response) -> Operation {
        Operation {
            account,
            device: 7,
            call,
            response,
            invoked_us: 0,
            returned_us: 1,
        }
    }

    #[test]
    fn what_was_judged_sent_and_entered_is_counted_by_account() {
        let sign_in = |password| Call::SignIn { password, app: true };
        let guess = Call::Verify {
            challenge: 0,
            code: CodeUsed::Guess,
        };
        let wrong = Response::Refused(Refusal::Code);
        let mut here = Tally::default();
        for (account, call, response) in [
            (1, sign_in(false), Response::Refused(Refusal::Credentials)),
            (1, sign_in(true), Response::Challenged(0)),
            (1, guess, wrong),
            (1, guess, Response::Limited),
            (2, sign_in(true), Response::Unknown),
            (2, Call::Resend { challenge: 0 }, Response::Done),
        ] {
            here.note(&operation(account, call, response));
        }
        let mut there = Tally::default();
        there.note(&operation(1, guess, wrong));
        there.note(&operation(3, guess, Response::SignedIn));
        there.note(&operation(3, sign_in(true), Response::SignedIn));
        here.merge(&there);
        let figures = here.figures();
        assert_eq!(figures.accounts_entered, 1);
        assert_eq!(figures.guesses_evaluated, 6);
        assert_eq!(figures.most_guesses_at_one_account, 2);
        assert_eq!(figures.sends_caused, 2);
    }
}
