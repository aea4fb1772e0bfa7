//! The decisions that the specification leaves open. A right service takes each of them one way and keeps to it: it is
//! followed under every reading at once, and is wrong when no reading explains what it did.

use crate::machine::limits::Limits;
use crate::machine::op::{Answer, Op};
use crate::machine::rules::Rules;
use crate::machine::state::State;
use crate::machine::step::take;

/// One way to read what is left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reading {
    /// A guess at a code that is over by time counts.
    pub counts_stale_guesses: bool,
    /// A lock leaves the guesses in their window.
    pub lock_keeps_window: bool,
    /// A new password lifts a lock on codes.
    pub new_password_lifts_lock: bool,
    /// The device that switches two-step verification on stays signed in.
    pub spares_acting: bool,
    /// A code asked for again goes by email where no device is left for push.
    pub falls_back_to_email: bool,
}

impl Reading {
    /// All of them, the machine's own first.
    pub fn all() -> impl Iterator<Item = Reading> {
        (0u8..32).map(|bits| Reading {
            counts_stale_guesses: bits & 1 != 0,
            lock_keeps_window: bits & 2 != 0,
            new_password_lifts_lock: bits & 4 != 0,
            spares_acting: bits & 8 != 0,
            falls_back_to_email: bits & 16 != 0,
        })
    }
}

impl Rules for Reading {
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
    /// The machine does the same.
    Agrees,
    /// The machine does otherwise; what was done is allowed, and changes nothing.
    Tolerated,
    /// The machine does otherwise.
    Differs,
}

/// A service followed under every reading that still explains it.
#[derive(Clone, Debug)]
pub struct Readings {
    alive: Vec<(Reading, State)>,
    limits: Limits,
}

/// No reading explains the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What the first reading that was left has before the operation.
    pub before: State,
    /// What it answers.
    pub expected: Answer,
    /// What was answered.
    pub seen: Answer,
}

impl Readings {
    /// From this state, under all readings.
    pub fn new(state: &State, limits: Limits) -> Self {
        let alive = Reading::all().map(|reading| (reading, state.clone())).collect();
        Self { alive, limits }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The state under the first reading that is left.
    pub fn state(&self) -> &State {
        // There is always one: the last one is kept when it disagrees.
        &self.alive[0].1
    }

    /// Takes the operation, and drops the readings that do not explain the answer.
    pub fn follow(
        &mut self,
        op: &Op,
        seen: Answer,
        compare: impl Fn(&State, Answer) -> Comparison,
    ) -> Result<(), Box<Disagreement>> {
        let mut explained = Vec::with_capacity(self.alive.len());
        let mut first = None;
        for (reading, before) in &self.alive {
            let taken = take(reading, &self.limits, before, op);
            match compare(before, taken.answer) {
                Comparison::Agrees => explained.push((*reading, taken.state)),
                Comparison::Tolerated => explained.push((*reading, before.clone())),
                Comparison::Differs => {
                    first.get_or_insert((before.clone(), taken.answer));
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

    /// Follows a machine of this reading through the operations; the answers agree when their classes do.
    fn follow(reading: Reading, ops: &[Op]) -> Result<Readings, Box<Disagreement>> {
        let limits = Limits::from(&Parameters::default());
        let mut state = State::new(1);
        let mut readings = Readings::new(&state, limits.clone());
        for op in ops {
            let taken = take(&reading, &limits, &state, op);
            let same = |_: &State, expected: Answer| match expected == taken.answer {
                true => Comparison::Agrees,
                false => Comparison::Differs,
            };
            readings.follow(op, taken.answer, same)?;
            state = taken.state;
        }
        Ok(readings)
    }

    #[test]
    fn every_reading_is_followed_and_the_others_are_dropped_where_they_differ() {
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
        for reading in Reading::all() {
            let readings = follow(reading, &ops).unwrap();
            assert!(
                readings
                    .alive
                    .iter()
                    .all(|(left, _)| left.counts_stale_guesses == reading.counts_stale_guesses)
            );
        }
    }
}
