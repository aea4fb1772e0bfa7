//! The steps of a trace: operations of the machine that name challenges by distance from the latest one, so that a step keeps its
//! meaning when others are left out.

use serde::{Deserialize, Serialize};
use specs::machine::{App, ChallengeId, DeviceId, Guess, Key, Misuse, Op, Password, State};

/// The devices of a run, each with the account it is used for: the owner's phone and tablet, the device of somebody who knows the
/// owner's password, and the device of the other account.
pub const DEVICES: [Key; 4] = [
    Key { account: 0, device: 0 },
    Key { account: 0, device: 1 },
    Key { account: 0, device: 2 },
    Key { account: 1, device: 3 },
];

/// What a device is called in words.
pub fn name(device: DeviceId) -> &'static str {
    match device {
        0 => "the phone",
        1 => "the tablet",
        2 => "the thief's device",
        _ => "the neighbour's device",
    }
}

/// An operation, so many times over. Its challenges are counted back from the latest, which is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub op: Op,
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u8,
}

fn once() -> u8 {
    1
}

fn is_once(times: &u8) -> bool {
    *times == 1
}

impl From<Op> for Step {
    fn from(op: Op) -> Self {
        Self { op, times: 1 }
    }
}

impl Step {
    /// The same step where one challenge is missing: the one numbered `gone` of the `opened` ones, which were all there were.
    /// A step that names an older challenge has it one nearer.
    pub fn without_challenge(&self, gone: usize, opened: usize) -> Step {
        let mut step = self.clone();
        for back in challenges(&mut step.op) {
            let older = (opened.checked_sub(usize::from(*back) + 1)).is_some_and(|id| id < gone);
            *back = back.saturating_sub(u8::from(older));
        }
        step
    }

    /// What is done from this state. Nothing where what is named does not exist.
    pub fn operations(&self, state: &State) -> Vec<Op> {
        let op = self.resolve(state);
        op.map_or_else(Vec::new, |op| vec![op; usize::from(self.times)])
    }

    fn resolve(&self, state: &State) -> Option<Op> {
        let mut op = self.op.clone();
        for back in challenges(&mut op) {
            let index = state.challenges.len().checked_sub(usize::from(*back) + 1)?;
            *back = ChallengeId::try_from(index).ok()?;
        }
        let exists = match op {
            Op::Verify {
                challenge,
                guess: Guess::Old,
            } => state.challenge(challenge)?.newest > 0,
            Op::Verify {
                challenge,
                guess: Guess::Foreign(other),
            } => other != challenge,
            Op::Deny { challenge, by } => DEVICES.contains(&Key::new(state.challenge(challenge)?.key.account, by)),
            _ => true,
        };
        exists.then_some(op)
    }
}

/// The challenges that an operation names.
fn challenges(op: &mut Op) -> Vec<&mut ChallengeId> {
    match op {
        Op::Verify {
            challenge,
            guess: Guess::Foreign(other),
        } => vec![challenge, other],
        Op::Verify { challenge, .. }
        | Op::Resend { challenge }
        | Op::Switch { challenge }
        | Op::Cancel { challenge }
        | Op::Deny { challenge, .. }
        | Op::Misuse { challenge, .. } => vec![challenge],
        _ => Vec::new(),
    }
}

/// An operation in plain words, as a person would tell it.
pub fn describe(op: &Op, state: &State) -> String {
    let holder = |id: ChallengeId| state.challenge(id).map_or("somebody", |c| name(c.key.device));
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
