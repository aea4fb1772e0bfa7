//! How far the exploration goes, and what is tried in each state.

use crate::machine::invariants::WISHES;
use crate::machine::{App, Channel, Guess, Key, Limits, Op, Password, Seconds, Session, State, Status, Trust};

/// The account under attack.
pub const VICTIM: u8 = 0;
/// The attacker's own account.
pub const OWN: u8 = 1;
/// The attacker's device.
pub const ATTACKER: u8 = 2;
/// Who may sign in to what.
pub const PAIRS: [Key; 4] = [
    Key {
        account: VICTIM,
        device: 0,
    },
    Key {
        account: VICTIM,
        device: 1,
    },
    Key {
        account: VICTIM,
        device: ATTACKER,
    },
    Key {
        account: OWN,
        device: ATTACKER,
    },
];

/// Bounds of an exploration.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Limits, in ticks.
    pub limits: Limits,
    pub challenges: usize,
    /// Ticks that pass.
    pub ticks: Seconds,
    pub changes: u8,
}

impl Scope {
    /// The scope in which the right machine holds all invariants: four ticks, two challenges, one new password;
    /// 102,421 states after merging.
    pub fn full() -> Self {
        Self {
            limits: Limits {
                code_ttl: 2,
                challenge_max: 3,
                attempts: 2,
                account_wrong: 3,
                window: None,
                consecutive: 4,
                lock: 2,
                cooldown: 1,
                sends: 2,
                account_sends: u32::MAX,
                day: None,
                live: 2,
                trust_absolute: None,
                trust_idle: None,
                session_absolute: None,
                session_idle: None,
                push: true,
            },
            challenges: 2,
            ticks: 4,
            changes: 1,
        }
    }

    /// One challenge and a limit per account that bites before the challenge's cap: the way to the hard limit is short.
    pub fn guessing() -> Self {
        let full = Self::full();
        Self {
            limits: Limits {
                code_ttl: 4,
                challenge_max: 4,
                attempts: 5,
                account_wrong: 2,
                lock: 1,
                consecutive: 3,
                ..full.limits
            },
            challenges: 1,
            ..full
        }
    }

    /// One live challenge at a time, and room to open another one.
    pub fn crowded() -> Self {
        let full = Self::full();
        Self {
            limits: Limits { live: 1, ..full.limits },
            ..full
        }
    }

    /// Nobody ever signed in; and the owner and the attacker each at home on a trusted device.
    pub fn beginnings() -> Vec<State> {
        let fresh = State::new(2);
        let mut settled = fresh.clone();
        for key in [Key::new(VICTIM, 0), Key::new(OWN, ATTACKER)] {
            settled.trusts.insert(key, Trust { since: 0, used: 0 });
            settled.sessions.insert(key, Session { since: 0, used: 0 });
        }
        vec![fresh, settled]
    }

    /// Whether a state belongs to the scope.
    pub fn holds(&self, state: &State) -> bool {
        state.challenges.len() <= self.challenges
            && state.now <= self.ticks
            && state.accounts.iter().all(|account| account.epoch <= self.changes)
    }

    /// What is tried in this state.
    pub fn operations(&self, state: &State, ops: &mut Vec<Op>) {
        ops.push(Op::Tick(1));
        for key in PAIRS {
            of_a_pair(state, key, ops);
        }
        ops.push(Op::Reset { account: VICTIM });
        ops.push(Op::Remove {
            account: OWN,
            by: ATTACKER,
            of: VICTIM,
            device: 0,
        });
        for (id, challenge) in (0..).zip(&state.challenges) {
            if challenge.key == Key::new(VICTIM, ATTACKER) {
                for other in (0..)
                    .zip(&state.challenges)
                    .filter(|(_, c)| c.key.account == OWN)
                    .map(|(other, _)| other)
                {
                    ops.push(Op::Verify {
                        challenge: id,
                        guess: Guess::Foreign(other),
                    });
                }
                ops.extend(WISHES.map(|misuse| Op::Misuse { challenge: id, misuse }));
            } else {
                ops.push(Op::Verify {
                    challenge: id,
                    guess: Guess::Right,
                });
                if challenge.newest > 0 {
                    ops.push(Op::Verify {
                        challenge: id,
                        guess: Guess::Old,
                    });
                }
                for (other, _) in (0..).zip(&state.challenges).filter(|(other, _)| *other != id) {
                    ops.push(Op::Verify {
                        challenge: id,
                        guess: Guess::Foreign(other),
                    });
                }
            }
            ops.push(Op::Verify {
                challenge: id,
                guess: Guess::Wrong,
            });
            ops.push(Op::Resend { challenge: id });
            if challenge.method == Channel::Push {
                ops.push(Op::Switch { challenge: id });
            }
            if challenge.status == Status::Live {
                ops.push(Op::Cancel { challenge: id });
            }
        }
    }
}

/// What a device tries with an account. The attacker knows the first password of the victim; it reads none of the
/// victim's codes.
fn of_a_pair(state: &State, key: Key, ops: &mut Vec<Op>) {
    let Key { account, device } = key;
    let attacks = account == VICTIM && device == ATTACKER;
    let epoch = state.account(account).map_or(0, |a| a.epoch);
    let sign_in = |password, app| Op::SignIn {
        account,
        device,
        password,
        app,
    };
    if attacks {
        ops.push(sign_in(Password::Wrong, App::Current));
        ops.push(sign_in(if epoch == 0 { Password::Right } else { Password::Former }, App::Old));
    }
    if attacks && epoch > 0 {
        ops.push(sign_in(Password::Former, App::Current));
    } else {
        ops.push(sign_in(Password::Right, App::Current));
    }
    if !attacks && epoch > 0 {
        ops.push(sign_in(Password::Former, App::Current));
    }
    if account == OWN {
        return;
    }
    ops.push(Op::Refresh { account, device });
    if !state.sessions.contains_key(&key) {
        return;
    }
    ops.push(Op::SignOut { account, device });
    for gone in [0, 1, ATTACKER] {
        ops.push(Op::Remove {
            account,
            by: device,
            of: account,
            device: gone,
        });
    }
    if state.account(account).is_some_and(|a| a.two_step) {
        ops.push(Op::SwitchOff {
            account,
            by: device,
            proof: !attacks || epoch == 0,
        });
    } else {
        ops.push(Op::SwitchOn { account, by: device });
    }
    if !attacks {
        ops.push(Op::ChangePassword {
            account,
            by: device,
            current: true,
        });
    }
}
