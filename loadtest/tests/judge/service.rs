//! A service made of a machine, right or wrong, and clients that know only what they were answered.

use std::collections::BTreeSet;

use loadtest::history::{Act, Happened, Prepared, Presented, Seen};
use specs::machine::{
    Account, Answer, App, Guess, Key, Limits, Op, Password, Rules, Session, State, Status, Transition, Trust, step,
};
use targets::Refusal;

pub(crate) const SECOND: u64 = 1_000_000;

/// Small numbers that look random, the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to below `most`.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % most
    }

    pub(crate) fn one_in(&mut self, most: u64) -> bool {
        self.below(most) == 0
    }
}

/// What may befall a request on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// Done, and the answer lost.
    AnswerLost,
    /// Never done, and no answer.
    Lost,
    /// Turned away without being looked at.
    TurnedAway,
}

pub(crate) struct Service<'a> {
    rules: &'a dyn Rules,
    limits: Limits,
    state: State,
    /// The history's number of each challenge of the machine; `None` where nobody was told of it.
    numbers: Vec<Option<u32>>,
    opened: u32,
    /// Devices with a credential that is the newest of their session.
    pub(crate) holding: BTreeSet<u8>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(rules: &'a dyn Rules, limits: Limits, prepared: Prepared) -> Self {
        let mut state = State::new(1);
        state.accounts[0] = Account {
            two_step: prepared.two_step,
            ..Account::default()
        };
        let mut holding = BTreeSet::new();
        if prepared.trusted_device {
            state.trusts.insert(Key::new(0, 0), Trust { since: 0, used: 0 });
            state.sessions.insert(Key::new(0, 0), Session { since: 0, used: 0 });
            holding.insert(0);
        }
        Self {
            rules,
            limits,
            state,
            numbers: Vec::new(),
            opened: 0,
            holding,
        }
    }

    /// Challenges that a client can speak of, with their device and the number of their newest code.
    pub(crate) fn challenges(&self) -> Vec<(u32, u32, u32)> {
        let known = self.numbers.iter().zip(&self.state.challenges);
        known
            .filter_map(|(number, known)| Some(((*number)?, u32::from(known.key.device), u32::from(known.newest))))
            .collect()
    }

    /// Does it at this moment, by the service's clock in microseconds.
    pub(crate) fn perform(&mut self, device: u8, act: Act, at_us: u64, fate: Fate) -> Seen {
        match fate {
            Fate::Lost => return Seen::Unknown,
            Fate::TurnedAway => return Seen::Limited,
            Fate::Answered | Fate::AnswerLost => {}
        }
        let passed = (at_us / SECOND).saturating_sub(self.state.now);
        self.state = step(self.rules, &self.limits, &self.state, &Op::Tick(passed)).state;
        let transition = step(self.rules, &self.limits, &self.state, &self.op(device, act));
        let opens = transition.state.challenges.len() > self.state.challenges.len();
        let told = fate == Fate::Answered && transition.answer == Answer::Challenged;
        if opens {
            self.numbers.push(told.then_some(self.opened));
        }
        let seen = self.seen(act, &transition);
        self.opened += u32::from(told);
        if seen == Seen::SignedIn && act != Act::Refresh {
            match fate {
                Fate::Answered => self.holding.insert(device),
                _ => self.holding.remove(&device),
            };
        }
        self.state = transition.state;
        if fate == Fate::AnswerLost { Seen::Unknown } else { seen }
    }

    fn op(&self, by: u8, act: Act) -> Op {
        let machine = |number: u32| {
            let place = self.numbers.iter().position(|other| *other == Some(number));
            place.map_or(u8::MAX, |place| place as u8)
        };
        let account = 0;
        match act {
            Act::SignIn { password, app } => Op::SignIn {
                account,
                device: by,
                password: if password { Password::Right } else { Password::Wrong },
                app: if app { App::Current } else { App::Old },
            },
            Act::Verify { challenge, code } => Op::Verify {
                challenge: machine(challenge),
                guess: match code {
                    Presented::Guess => Guess::Wrong,
                    Presented::Delivered { challenge: of, .. } if of != challenge => Guess::Foreign(machine(of)),
                    Presented::Delivered { number, .. } => {
                        let newest = self
                            .state
                            .challenge(machine(challenge))
                            .map_or(0, |known| u32::from(known.newest));
                        match newest.checked_sub(number) {
                            Some(0) => Guess::Right,
                            Some(1) => Guess::Old,
                            _ => Guess::Wrong,
                        }
                    }
                },
            },
            Act::Resend { challenge } => Op::Resend {
                challenge: machine(challenge),
            },
            Act::Switch { challenge } => Op::Switch {
                challenge: machine(challenge),
            },
            Act::Use => Op::Use { account, device: by },
            Act::Refresh => Op::Refresh { account, device: by },
            Act::SignOut => Op::SignOut { account, device: by },
            Act::Remove { device } => Op::Remove {
                account,
                by,
                of: account,
                device: device as u8,
            },
            Act::ChangePassword => Op::ChangePassword {
                account,
                by,
                current: true,
            },
        }
    }

    /// A lapsed code is called a wrong one while the challenge takes guesses, whether or not that counts.
    fn says_wrong(&self, challenge: u32) -> bool {
        let place = self.numbers.iter().position(|other| *other == Some(challenge));
        let known = place.and_then(|place| self.state.challenges.get(place));
        let account = &self.state.accounts[0];
        let locked = account.codes_off || account.locked_until.is_some();
        known.is_some_and(|known| {
            let alive = self.state.now < known.created_at + self.limits.challenge_max;
            known.status == Status::Live && alive && known.attempts < self.limits.attempts && !locked
        })
    }

    fn seen(&self, act: Act, transition: &Transition) -> Seen {
        match transition.answer {
            Answer::SignedIn => Seen::SignedIn,
            Answer::Challenged => Seen::Challenged(self.opened),
            Answer::Done => Seen::Done,
            Answer::Limited => Seen::Limited,
            Answer::Refused => Seen::Refused(match act {
                Act::SignIn { password: false, .. } => Refusal::Credentials,
                Act::SignIn { .. } => Refusal::UpdateRequired,
                Act::Verify { challenge, .. } if transition.evaluated || self.says_wrong(challenge) => Refusal::Code,
                Act::Verify { .. } | Act::Resend { .. } | Act::Switch { .. } => Refusal::Challenge,
                _ => Refusal::Session,
            }),
        }
    }
}

/// How a walk goes about it.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) steps: usize,
    /// One request in so many is lost, one way or the other; 0 is none.
    pub(crate) lost: u64,
    /// One request in so many is turned away; 0 is none.
    pub(crate) turned_away: u64,
    /// How far an interval reaches beyond the moment it happened, microseconds, on each side.
    pub(crate) widened_us: u64,
    /// Seconds between two steps, mostly.
    pub(crate) pace: u64,
    /// Whether nobody ever has the right code.
    pub(crate) clumsy: bool,
}

/// Whatever three devices do to an account.
pub(crate) fn walk(service: &mut Service<'_>, dice: &mut Dice, manner: Manner) -> Vec<Happened> {
    let mut history = Vec::new();
    let mut at_us = 10 * SECOND;
    for _ in 0..manner.steps {
        let pause = match dice.below(20) {
            0 => 400,
            1 => 31,
            2 => 0,
            _ => dice.below(manner.pace.max(1)),
        };
        at_us += pause * SECOND + dice.below(SECOND) + 1;
        let Some((device, act)) = next(service, dice, manner.clumsy) else {
            continue;
        };
        let fate = match () {
            () if manner.lost > 0 && dice.one_in(manner.lost) => {
                if dice.one_in(2) {
                    Fate::Lost
                } else {
                    Fate::AnswerLost
                }
            }
            () if manner.turned_away > 0 && dice.one_in(manner.turned_away) => Fate::TurnedAway,
            () => Fate::Answered,
        };
        let seen = service.perform(device, act, at_us, fate);
        history.push(Happened {
            account: 1,
            device: device.into(),
            act,
            seen,
            started_us: at_us - dice.below(manner.widened_us + 1).min(at_us),
            done_us: at_us + dice.below(manner.widened_us + 1),
        });
    }
    history
}

fn next(service: &Service<'_>, dice: &mut Dice, clumsy: bool) -> Option<(u8, Act)> {
    let device = dice.below(3) as u8;
    let challenges = service.challenges();
    let holding = service.holding.contains(&device);
    let act = match dice.below(20) {
        0..=4 => Act::SignIn {
            password: !dice.one_in(12),
            app: !dice.one_in(12),
        },
        5..=12 => {
            // Mostly one of the last ones.
            let back = dice.below(3).min(challenges.len() as u64) as usize;
            let (challenge, device, newest) = *challenges.iter().rev().nth(back)?;
            let other = challenges.get(dice.below(challenges.len() as u64) as usize);
            let act = match dice.below(8) {
                0..=2 if !clumsy => Act::Verify {
                    challenge,
                    code: Presented::Delivered {
                        challenge,
                        number: newest,
                    },
                },
                0..=4 => Act::Verify {
                    challenge,
                    code: Presented::Guess,
                },
                5 => {
                    let (of, _, number) = *other?;
                    let code = Presented::Delivered { challenge: of, number };
                    Act::Verify { challenge, code }
                }
                6 => Act::Verify {
                    challenge,
                    code: Presented::Delivered {
                        challenge,
                        number: newest.checked_sub(1)?,
                    },
                },
                _ if dice.one_in(2) => Act::Resend { challenge },
                _ => Act::Switch { challenge },
            };
            return Some((device as u8, act));
        }
        13 | 14 if holding => Act::Use,
        15 if holding => Act::Refresh,
        16 if holding => Act::SignOut,
        17 | 18 if holding => Act::Remove {
            device: dice.below(3) as u32,
        },
        19 if holding => Act::ChangePassword,
        _ => return None,
    };
    Some((device, act))
}
