//! The machine as stateright sees it: a state with the invariants that broke on the way to it.

use std::fmt;

use stateright::{Model, Property};

use crate::explore::scope::{ATTACKER, Scope, VICTIM};
use crate::machine::ghost::Past;
use crate::machine::invariants::no_dead_end;
use crate::machine::{Challenge, Channel, Invariant, Key, Limits, Op, Rules, State, Status, Stepped, breaches, step};

/// The machine under exploration.
pub struct Exploration {
    pub rules: &'static dyn Rules,
    pub scope: Scope,
    /// Whether states are merged that differ only in what no right decision reads: see [`merged`]. For the right machine
    /// only.
    pub merging: bool,
}

/// A challenge that is over is remembered by how it ended, and by whether a code of it was accepted.
fn merged(mut state: State, limits: &Limits) -> State {
    for (challenge, past) in state.challenges.iter_mut().zip(&mut state.ghost.challenges) {
        if challenge.status == Status::Live && state.now >= challenge.created_at + limits.challenge_max {
            challenge.status = Status::Voided;
        }
        if challenge.status != Status::Live {
            *challenge = Challenge {
                key: challenge.key,
                status: challenge.status,
                method: Channel::Email,
                former_method: None,
                newest: 0,
                issued_at: 0,
                created_at: 0,
                attempts: 0,
                sends: 0,
            };
            *past = Past {
                accepted: past.accepted,
                ..Past::default()
            };
        }
    }
    state
}

/// A state, and what broke on the way. The right machine breaks nothing, so that this adds no states to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Explored {
    pub state: State,
    /// One bit an invariant.
    broken: u16,
}

impl Explored {
    /// Whether the invariant holds until here.
    pub fn holds(&self, invariant: Invariant) -> bool {
        self.broken & bit(invariant) == 0
    }
}

fn bit(invariant: Invariant) -> u16 {
    1 << (invariant as u16)
}

/// A name, and whether a state is such a one.
pub type Probe = (&'static str, fn(&State) -> bool);

/// States that have to be reached for an exploration to mean anything.
pub const PROBES: [Probe; 14] = [
    ("a challenge is verified", |s| {
        s.challenges.iter().any(|c| c.status == Status::Verified)
    }),
    ("a challenge is exhausted", |s| {
        s.challenges.iter().any(|c| c.status == Status::Exhausted)
    }),
    ("a challenge is voided", |s| {
        s.challenges.iter().any(|c| c.status == Status::Voided)
    }),
    ("a code was sent twice", |s| s.challenges.iter().any(|c| c.newest > 0)),
    ("an account is locked", |s| {
        s.accounts.iter().any(|a| a.locked_until.is_some())
    }),
    ("codes are off", |s| s.accounts.iter().any(|a| a.codes_off)),
    ("two owner's devices are trusted", |s| {
        [0, 1].iter().all(|d| s.trusts.contains_key(&Key::new(VICTIM, *d)))
    }),
    ("a trusted device is signed out", |s| {
        s.trusts.keys().any(|key| !s.sessions.contains_key(key))
    }),
    ("a verified device is removed", |s| {
        let verified = s.challenges.iter().filter(|c| c.status == Status::Verified);
        verified.map(|c| c.key).any(|key| !s.trusts.contains_key(&key))
    }),
    ("the attacker's challenge is live", |s| {
        s.challenges
            .iter()
            .any(|c| c.status == Status::Live && c.key == Key::new(VICTIM, ATTACKER))
    }),
    ("the attacker is signed in while two-step is off", |s| {
        s.sessions.contains_key(&Key::new(VICTIM, ATTACKER))
    }),
    ("a device is signed in without trust", |s| {
        s.sessions.keys().any(|key| !s.trusts.contains_key(key))
    }),
    ("the password was changed", |s| s.accounts.iter().any(|a| a.epoch > 0)),
    ("the clock has run", |s| s.now >= 4),
];

fn holds(_: &Exploration, explored: &Explored, invariant: Invariant) -> bool {
    explored.holds(invariant)
}

/// The probes as properties. Their conditions have to be plain functions, so that each is made for its place in the table.
fn probes() -> Vec<Property<Exploration>> {
    fn probe<const N: usize>() -> Property<Exploration> {
        Property::sometimes(PROBES[N].0, |_, explored: &Explored| PROBES[N].1(&explored.state))
    }
    vec![
        probe::<0>(),
        probe::<1>(),
        probe::<2>(),
        probe::<3>(),
        probe::<4>(),
        probe::<5>(),
        probe::<6>(),
        probe::<7>(),
        probe::<8>(),
        probe::<9>(),
        probe::<10>(),
        probe::<11>(),
        probe::<12>(),
        probe::<13>(),
    ]
}

impl Model for Exploration {
    type State = Explored;
    type Action = Op;

    fn init_states(&self) -> Vec<Explored> {
        Scope::beginnings()
            .into_iter()
            .map(|state| Explored { state, broken: 0 })
            .collect()
    }

    fn actions(&self, explored: &Explored, ops: &mut Vec<Op>) {
        self.scope.operations(&explored.state, ops);
    }

    fn next_state(&self, explored: &Explored, op: Op) -> Option<Explored> {
        let before = &explored.state;
        let transition = step(self.rules, &self.scope.limits, before, &op);
        let step = Stepped {
            before,
            op: &op,
            transition: &transition,
            limits: &self.scope.limits,
        };
        let broken = breaches(&step)
            .into_iter()
            .fold(explored.broken, |bits, invariant| bits | bit(invariant));
        // An operation that changes nothing leads nowhere new.
        let moved = broken != explored.broken || transition.state != *before;
        let state = if self.merging {
            merged(transition.state, &self.scope.limits)
        } else {
            transition.state
        };
        moved.then_some(Explored { state, broken })
    }

    fn within_boundary(&self, explored: &Explored) -> bool {
        explored.broken != 0 || self.scope.holds(&explored.state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        use Invariant::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10};
        let mut properties = vec![
            Property::always(I1.title(), |m, s| holds(m, s, I1)),
            Property::always(I2.title(), |m, s| holds(m, s, I2)),
            Property::always(I3.title(), |m, s| holds(m, s, I3)),
            Property::always(I4.title(), |m, s| holds(m, s, I4)),
            Property::always(I5.title(), |m, s| holds(m, s, I5)),
            Property::always(I6.title(), |m, s| holds(m, s, I6)),
            Property::always(I7.title(), |m, s| holds(m, s, I7)),
            Property::always(I8.title(), |m, s| holds(m, s, I8)),
            Property::always(I9.title(), |m, s| holds(m, s, I9)),
            Property::always(I10.title(), |m, s: &Explored| {
                no_dead_end(m.rules, &m.scope.limits, &s.state, VICTIM)
            }),
        ];
        properties.extend(probes());
        properties
    }

    fn format_action(&self, op: &Op) -> String {
        op.to_string()
    }

    fn format_step(&self, before: &Explored, op: Op) -> Option<String> {
        let transition = step(self.rules, &self.scope.limits, &before.state, &op);
        Some(format!("{}\n{}", transition.answer, transition.state))
    }
}

impl fmt::Debug for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        for invariant in Invariant::ALL.into_iter().filter(|invariant| !self.holds(*invariant)) {
            write!(f, "\nbroken: {}", invariant.title())?;
        }
        Ok(())
    }
}
