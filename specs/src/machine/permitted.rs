//! What the specification leaves open: it is nondeterministic in a few decisions. A right service takes each of them one way
//! and keeps to it: it is followed under every permitted behaviour at once, and is wrong when none explains what it did.

use crate::machine::limits::Limits;
use crate::machine::op::{Answer, Op};
use crate::machine::rules::Rules;
use crate::machine::state::State;
use crate::machine::step::step;

/// One way to decide what is left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PermittedBehaviour {
    /// A guess at a code that is over by time counts.
    pub counts_stale_guesses: bool,
    pub lock_keeps_window: bool,
    pub new_password_lifts_lock: bool,
    /// The device that switches two-step verification on stays signed in.
    pub spares_acting: bool,
    /// A code asked for again goes by email where no device is left for push.
    pub falls_back_to_email: bool,
}

impl PermittedBehaviour {
    /// All of them, the machine's own first.
    pub fn all() -> impl Iterator<Item = PermittedBehaviour> {
        (0u8..32).map(|bits| PermittedBehaviour {
            counts_stale_guesses: bits & 1 != 0,
            lock_keeps_window: bits & 2 != 0,
            new_password_lifts_lock: bits & 4 != 0,
            spares_acting: bits & 8 != 0,
            falls_back_to_email: bits & 16 != 0,
        })
    }
}

impl Rules for PermittedBehaviour {
    fn counts_stale_guesses(&self) -> bool {
        self.counts_stale_guesses
    }

    fn lock_empties_window(&self) -> bool {
        !self.lock_keeps_window
    }

    fn new_password_lifts_lock(&self) -> bool {
        self.new_password_lifts_lock
    }

    fn switching_on_spares_acting(&self) -> bool {
        self.spares_acting
    }

    fn falls_back_to_email(&self) -> bool {
        self.falls_back_to_email
    }
}

/// How an answer compares with the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Agrees,
    /// The machine does otherwise; what was done is allowed, and changes nothing.
    Tolerated,
    Differs,
}

/// A service followed under every permitted behaviour that still explains it.
#[derive(Clone, Debug)]
pub struct PermittedBehaviours {
    alive: Vec<(PermittedBehaviour, State)>,
    limits: Limits,
}

/// No permitted behaviour explains the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What the first behaviour that was left has before the operation.
    pub before: State,
    pub expected: Answer,
    pub seen: Answer,
}

impl PermittedBehaviours {
    /// From this state, under all permitted behaviours.
    pub fn new(state: &State, limits: Limits) -> Self {
        let alive = PermittedBehaviour::all()
            .map(|behaviour| (behaviour, state.clone()))
            .collect();
        Self { alive, limits }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The state under the first behaviour that is left.
    pub fn state(&self) -> &State {
        // There is always one: the last one is kept when it disagrees.
        &self.alive[0].1
    }

    /// Takes the operation, and drops the behaviours that do not explain the answer.
    pub fn follow(
        &mut self,
        op: &Op,
        seen: Answer,
        compare: impl Fn(&State, Answer) -> Comparison,
    ) -> Result<(), Box<Disagreement>> {
        let mut explained = Vec::with_capacity(self.alive.len());
        let mut first = None;
        for (behaviour, before) in &self.alive {
            let transition = step(behaviour, &self.limits, before, op);
            match compare(before, transition.answer) {
                Comparison::Agrees => explained.push((*behaviour, transition.state)),
                Comparison::Tolerated => explained.push((*behaviour, before.clone())),
                Comparison::Differs => {
                    first.get_or_insert((before.clone(), transition.answer));
                }
            }
        }
        match (explained.is_empty(), first) {
            (true, Some((before, expected))) => Err(Box::new(Disagreement { before, expected, seen })),
            _ => {
                self.alive = explained;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{App, Guess, Password};
    use crate::parameters::Parameters;

    /// Follows a machine of this behaviour through the operations; the answers agree when their classes do.
    fn follow(behaviour: PermittedBehaviour, ops: &[Op]) -> Result<PermittedBehaviours, Box<Disagreement>> {
        let limits = Limits::from(&Parameters::default());
        let mut state = State::new(1);
        let mut permitted = PermittedBehaviours::new(&state, limits.clone());
        for op in ops {
            let transition = step(&behaviour, &limits, &state, op);
            let same = |_: &State, expected: Answer| match expected == transition.answer {
                true => Comparison::Agrees,
                false => Comparison::Differs,
            };
            permitted.follow(op, transition.answer, same)?;
            state = transition.state;
        }
        Ok(permitted)
    }

    #[test]
    fn every_behaviour_is_followed_and_the_others_are_dropped_where_they_differ() {
        let sign_in = Op::SignIn {
            account: 0,
            device: 0,
            password: Password::Right,
            app: App::Current,
        };
        let mut ops = vec![sign_in, Op::Tick(300)];
        ops.extend(vec![
            Op::Verify {
                challenge: 0,
                guess: Guess::Wrong
            };
            5
        ]);
        ops.extend([
            Op::Resend { challenge: 0 },
            Op::Verify {
                challenge: 0,
                guess: Guess::Right,
            },
        ]);
        for behaviour in PermittedBehaviour::all() {
            let permitted = follow(behaviour, &ops).unwrap();
            assert!(
                permitted
                    .alive
                    .iter()
                    .all(|(left, _)| left.counts_stale_guesses == behaviour.counts_stale_guesses)
            );
        }
    }
}
