//! The steps of a walk. Challenges are named by distance from the latest one, so that a step keeps its meaning when others
//! are left out.

use serde::{Deserialize, Serialize};
use specs::machine::{App, ChallengeId, Guess, Key, Misuse, Op, Password, Seconds, State};

/// Who acts: a device with the account it is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The owner's phone.
    Phone,
    /// The owner's tablet.
    Tablet,
    /// The device of somebody who knows the owner's password.
    Thief,
    /// The device of the other account.
    Neighbour,
}

impl Who {
    /// Everybody.
    pub const ALL: [Who; 4] = [Who::Phone, Who::Tablet, Who::Thief, Who::Neighbour];

    /// Account and device.
    pub fn key(self) -> Key {
        match self {
            Who::Phone => Key::new(0, 0),
            Who::Tablet => Key::new(0, 1),
            Who::Thief => Key::new(0, 2),
            Who::Neighbour => Key::new(1, 3),
        }
    }

    /// In words.
    pub fn name(device: u8) -> &'static str {
        match device {
            0 => "the phone",
            1 => "the tablet",
            2 => "the thief's device",
            _ => "the neighbour's device",
        }
    }
}

/// A code to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// The newest one of the challenge.
    Right,
    /// One that was never sent.
    Wrong,
    /// The one that the newest replaced.
    Old,
    /// The newest one of the challenge so far back.
    Of(u8),
}

/// One step. `back` counts challenges from the latest, which is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
#[allow(missing_docs, reason = "the fields are named after their types")]
pub enum Step {
    /// First step.
    SignIn { who: Who, password: Password, app: App },
    /// Second step.
    Verify { back: u8, code: Show },
    /// So many wrong codes.
    WrongCodes { back: u8, times: u8 },
    /// The code again.
    Resend { back: u8 },
    /// The code by email.
    Switch { back: u8 },
    /// The challenge is given up.
    Cancel { back: u8 },
    /// The challenge is denied by another device.
    Deny { by: Who, back: u8 },
    /// The pending handle in place of a session.
    Misuse {
        back: u8,
        #[serde(alias = "wish")]
        misuse: Misuse,
    },
    /// The session is read.
    Use { who: Who },
    /// The session is renewed.
    Refresh { who: Who },
    /// The session ends.
    SignOut { who: Who },
    /// A device is removed.
    Remove { by: Who, who: Who },
    /// Two-step verification off.
    SwitchOff { by: Who, proof: bool },
    /// Two-step verification on.
    SwitchOn { by: Who },
    /// A new password from a session.
    ChangePassword { by: Who, current: bool },
    /// A new password by email.
    Reset,
    /// Time passes.
    Advance { seconds: Seconds },
}

impl Step {
    /// The same step where one challenge is missing: the one numbered `gone` of the `opened` ones, which were all there were.
    /// A step that names an older challenge has it one nearer.
    pub fn without_challenge(&self, gone: usize, opened: usize) -> Step {
        let mut step = self.clone();
        let nearer = |back: &mut u8| {
            let older = (opened.checked_sub(usize::from(*back) + 1)).is_some_and(|id| id < gone);
            *back = back.saturating_sub(u8::from(older));
        };
        match &mut step {
            Step::Verify { back, code } => {
                nearer(back);
                if let Show::Of(other) = code {
                    nearer(other);
                }
            }
            Step::WrongCodes { back, .. }
            | Step::Resend { back }
            | Step::Switch { back }
            | Step::Cancel { back }
            | Step::Deny { back, .. }
            | Step::Misuse { back, .. } => nearer(back),
            _ => {}
        }
        step
    }

    /// The machine's operations, from this state. None where what is named does not exist.
    pub fn operations(&self, state: &State) -> Vec<Op> {
        let challenge = |back: u8| nth_from_latest(state, back);
        let one = |op: Option<Op>| op.into_iter().collect();
        match *self {
            Step::SignIn { who, password, app } => {
                let Key { account, device } = who.key();
                vec![Op::SignIn {
                    account,
                    device,
                    password,
                    app,
                }]
            }
            Step::Verify { back, code } => one(challenge(back).and_then(|challenge| {
                let guess = match code {
                    Show::Right => Guess::Right,
                    Show::Wrong => Guess::Wrong,
                    Show::Old => {
                        state.challenge(challenge).filter(|c| c.newest > 0)?;
                        Guess::Old
                    }
                    Show::Of(other) => Guess::Foreign(nth_from_latest(state, other).filter(|other| *other != challenge)?),
                };
                Some(Op::Verify { challenge, guess })
            })),
            Step::WrongCodes { back, times } => challenge(back)
                .map(|challenge| {
                    vec![
                        Op::Verify {
                            challenge,
                            guess: Guess::Wrong
                        };
                        usize::from(times)
                    ]
                })
                .unwrap_or_default(),
            Step::Resend { back } => one(challenge(back).map(|challenge| Op::Resend { challenge })),
            Step::Switch { back } => one(challenge(back).map(|challenge| Op::Switch { challenge })),
            Step::Cancel { back } => one(challenge(back).map(|challenge| Op::Cancel { challenge })),
            Step::Deny { by, back } => {
                let own = |id: &ChallengeId| state.challenge(*id).is_some_and(|c| c.key.account == by.key().account);
                one(challenge(back).filter(own).map(|challenge| Op::Deny {
                    challenge,
                    by: by.key().device,
                }))
            }
            Step::Misuse { back, misuse } => one(challenge(back).map(|challenge| Op::Misuse { challenge, misuse })),
            Step::Use { who } => vec![with(who, |account, device| Op::Use { account, device })],
            Step::Refresh { who } => vec![with(who, |account, device| Op::Refresh { account, device })],
            Step::SignOut { who } => vec![with(who, |account, device| Op::SignOut { account, device })],
            Step::Remove { by, who } => {
                let (by, gone) = (by.key(), who.key());
                vec![Op::Remove {
                    account: by.account,
                    by: by.device,
                    of: gone.account,
                    device: gone.device,
                }]
            }
            Step::SwitchOff { by, proof } => vec![with(by, |account, by| Op::SwitchOff { account, by, proof })],
            Step::SwitchOn { by } => vec![with(by, |account, by| Op::SwitchOn { account, by })],
            Step::ChangePassword { by, current } => vec![with(by, |account, by| Op::ChangePassword { account, by, current })],
            Step::Reset => vec![Op::Reset { account: 0 }],
            Step::Advance { seconds } => vec![Op::Tick(seconds)],
        }
    }
}

fn with(who: Who, op: impl Fn(u8, u8) -> Op) -> Op {
    let Key { account, device } = who.key();
    op(account, device)
}

fn nth_from_latest(state: &State, back: u8) -> Option<ChallengeId> {
    let index = state.challenges.len().checked_sub(usize::from(back) + 1)?;
    ChallengeId::try_from(index).ok()
}

/// An operation in plain words, as a person would tell it.
pub fn tell(op: &Op, state: &State) -> String {
    let holder = |id: ChallengeId| state.challenge(id).map_or("somebody", |c| Who::name(c.key.device));
    let name = Who::name;
    match *op {
        Op::SignIn {
            device, password, app, ..
        } => {
            let password = match password {
                Password::Right => "the right password",
                Password::Wrong => "a wrong password",
                Password::Former => "the former password",
            };
            let app = if app == App::Old { " on an app that is too old" } else { "" };
            format!("{} signs in with {password}{app}", name(device))
        }
        Op::Verify { challenge, guess } => {
            let used = state.ghost.past(challenge).is_some_and(|past| past.accepted);
            let code = match guess {
                Guess::Right if used => "the code that was accepted before".to_owned(),
                Guess::Right => "the newest code".to_owned(),
                Guess::Wrong => "a wrong code".to_owned(),
                Guess::Old => "the code that was replaced".to_owned(),
                Guess::Foreign(other) => format!("the code that was sent for challenge {} ({})", other + 1, holder(other)),
            };
            format!("{} enters {code} at challenge {}", holder(challenge), challenge + 1)
        }
        Op::Resend { challenge } => format!("{} asks for the code of challenge {} again", holder(challenge), challenge + 1),
        Op::Switch { challenge } => format!(
            "{} asks for the code of challenge {} by email",
            holder(challenge),
            challenge + 1
        ),
        Op::Cancel { challenge } => format!("{} gives up challenge {}", holder(challenge), challenge + 1),
        Op::Deny { challenge, by } => format!("{} denies challenge {} of {}", name(by), challenge + 1, holder(challenge)),
        Op::Misuse { challenge, misuse } => {
            let misuse = match misuse {
                Misuse::Use => "read the session",
                Misuse::SwitchOff => "switch two-step verification off",
                Misuse::Remove(_) => "remove a device",
            };
            format!(
                "{} uses the pending handle of challenge {} to {misuse}",
                holder(challenge),
                challenge + 1
            )
        }
        Op::Use { device, .. } => format!("{} reads its session", name(device)),
        Op::Refresh { device, .. } => format!("{} renews its session", name(device)),
        Op::SignOut { device, .. } => format!("{} signs out", name(device)),
        Op::Remove { by, device, .. } if by == device => format!("{} removes itself", name(by)),
        Op::Remove { by, device, .. } => format!("{} removes {}", name(by), name(device)),
        Op::SwitchOff { by, proof, .. } => {
            let proof = if proof { "with" } else { "without" };
            format!("{} switches two-step verification off, {proof} the password", name(by))
        }
        Op::SwitchOn { by, .. } => format!("{} switches two-step verification on", name(by)),
        Op::ChangePassword { by, current, .. } => {
            let current = if current { "the present one" } else { "a wrong one" };
            format!("{} changes the password, giving {current}", name(by))
        }
        Op::Reset { .. } => "the owner resets the password by email".to_owned(),
        Op::Tick(seconds) => format!("{seconds} s pass"),
    }
}
