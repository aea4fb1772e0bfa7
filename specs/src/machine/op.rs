//! What can be done to a machine, and how it answers. Operations are plain data: they serialise, compare and read aloud.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::machine::state::{AccountId, ChallengeId, DeviceId, Seconds};

/// A code: the how-manyth of which challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code {
    /// The challenge it was issued for.
    pub challenge: ChallengeId,
    /// Its number there, from 0.
    pub number: u8,
}

/// The password that is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Password {
    /// The present one.
    Right,
    /// One that never was.
    Wrong,
    /// The one before the last change.
    Former,
}

/// The app version that is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum App {
    /// One that is served.
    Current,
    /// One below the minimum.
    Old,
}

/// The code that is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guess {
    /// The newest one of this challenge, used or not.
    Right,
    /// One that was never issued.
    Wrong,
    /// The one that the newest replaced.
    Old,
    /// The newest one of another challenge.
    Foreign(ChallengeId),
}

/// What a pending handle is misused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misuse {
    /// To read the session.
    Use,
    /// To switch two-step verification off.
    SwitchOff,
    /// To remove a device.
    Remove(DeviceId),
}

/// One operation. A challenge's operations are made by whoever holds its handle: the device that completed step one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "the fields are named after their types: whose account, which device, which challenge"
)]
pub enum Op {
    /// First step, with whatever trust the device holds.
    SignIn {
        account: AccountId,
        device: DeviceId,
        password: Password,
        app: App,
    },
    /// Second step.
    Verify { challenge: ChallengeId, guess: Guess },
    /// The code again.
    Resend { challenge: ChallengeId },
    /// The code by email.
    Switch { challenge: ChallengeId },
    /// The pending device gives up.
    Cancel { challenge: ChallengeId },
    /// A trusted device refuses the challenge.
    Deny { challenge: ChallengeId, by: DeviceId },
    /// The pending handle is presented where a session is needed.
    Misuse { challenge: ChallengeId, misuse: Misuse },
    /// The device reads with the newest access credential it was ever given.
    Use { account: AccountId, device: DeviceId },
    /// The device renews with the newest refresh credential it was ever given.
    Refresh { account: AccountId, device: DeviceId },
    /// The device signs out.
    SignOut { account: AccountId, device: DeviceId },
    /// A device `by` of `account` removes a `device` of the account `of`.
    Remove {
        account: AccountId,
        by: DeviceId,
        of: AccountId,
        device: DeviceId,
    },
    /// Two-step verification off, with or without a fresh proof of the password.
    SwitchOff { account: AccountId, by: DeviceId, proof: bool },
    /// Two-step verification on.
    SwitchOn { account: AccountId, by: DeviceId },
    /// A new password from a signed-in device that gives the present one, or not.
    ChangePassword {
        account: AccountId,
        by: DeviceId,
        current: bool,
    },
    /// A new password by a mailed token.
    Reset { account: AccountId },
    /// Time passes.
    Tick(Seconds),
}

/// The class of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A session was opened or renewed.
    SignedIn,
    /// A code is asked for.
    Challenged,
    /// Done.
    Done,
    /// Refused.
    Refused,
    /// Refused for now.
    Limited,
}

impl Answer {
    /// Whether what was asked was done.
    pub fn accepted(self) -> bool {
        matches!(self, Answer::SignedIn | Answer::Challenged | Answer::Done)
    }
}

impl Op {
    /// Whose account the operation is about, by the machine that has these challenges.
    pub fn account(&self, challenge_account: impl Fn(ChallengeId) -> Option<AccountId>) -> Option<AccountId> {
        match *self {
            Op::SignIn { account, .. }
            | Op::Use { account, .. }
            | Op::Refresh { account, .. }
            | Op::SignOut { account, .. }
            | Op::Remove { account, .. }
            | Op::SwitchOff { account, .. }
            | Op::SwitchOn { account, .. }
            | Op::ChangePassword { account, .. }
            | Op::Reset { account } => Some(account),
            Op::Verify { challenge, .. }
            | Op::Resend { challenge }
            | Op::Switch { challenge }
            | Op::Cancel { challenge }
            | Op::Deny { challenge, .. }
            | Op::Misuse { challenge, .. } => challenge_account(challenge),
            Op::Tick(_) => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::SignedIn => "signed in",
            Answer::Challenged => "a code is asked for",
            Answer::Done => "done",
            Answer::Refused => "refused",
            Answer::Limited => "refused for now",
        })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::SignIn {
                account,
                device,
                password,
                app,
            } => {
                let password = match password {
                    Password::Right => "the right password",
                    Password::Wrong => "a wrong password",
                    Password::Former => "the former password",
                };
                let app = if *app == App::Old { " on an old app" } else { "" };
                write!(f, "device {device} signs in to account {account} with {password}{app}")
            }
            Op::Verify { challenge, guess } => match guess {
                Guess::Right => write!(f, "challenge {challenge}: its newest code"),
                Guess::Wrong => write!(f, "challenge {challenge}: a wrong code"),
                Guess::Old => write!(f, "challenge {challenge}: its replaced code"),
                Guess::Foreign(other) => write!(f, "challenge {challenge}: the code of challenge {other}"),
            },
            Op::Resend { challenge } => write!(f, "challenge {challenge}: the code again"),
            Op::Switch { challenge } => write!(f, "challenge {challenge}: the code by email"),
            Op::Cancel { challenge } => write!(f, "challenge {challenge}: given up"),
            Op::Deny { challenge, by } => write!(f, "device {by} denies challenge {challenge}"),
            Op::Misuse { challenge, misuse } => match misuse {
                Misuse::Use => write!(f, "the handle of challenge {challenge} reads the session"),
                Misuse::SwitchOff => write!(f, "the handle of challenge {challenge} switches two-step verification off"),
                Misuse::Remove(device) => write!(f, "the handle of challenge {challenge} removes device {device}"),
            },
            Op::Use { account, device } => write!(f, "device {device} reads its session of account {account}"),
            Op::Refresh { account, device } => write!(f, "device {device} renews its session of account {account}"),
            Op::SignOut { account, device } => write!(f, "device {device} signs out of account {account}"),
            Op::Remove { account, by, of, device } if account == of => {
                write!(f, "device {by} removes device {device} from account {account}")
            }
            Op::Remove { account, by, of, device } => {
                write!(f, "device {by} of account {account} removes device {device} of account {of}")
            }
            Op::SwitchOff { account, by, proof } => {
                let proof = if *proof { "with" } else { "without" };
                write!(
                    f,
                    "device {by} switches two-step verification of account {account} off, {proof} the password"
                )
            }
            Op::SwitchOn { account, by } => write!(f, "device {by} switches two-step verification of account {account} on"),
            Op::ChangePassword { account, by, current } => {
                let current = if *current { "the present one" } else { "a wrong one" };
                write!(f, "device {by} changes the password of account {account}, giving {current}")
            }
            Op::Reset { account } => write!(f, "the password of account {account} is reset by email"),
            Op::Tick(by) => write!(f, "{by} pass"),
        }
    }
}
