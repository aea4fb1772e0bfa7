//! What people and attackers do: one attempt at a journey, over a line and the mailbox.
//!
//! Nothing is tried again in here, but for what an app does by itself: it asks for a code another way when none came, and once more
//! when the service said from when on it may.
//!
//! - [`identity`]: whose account it is, and what the storm knows of it.
//! - `going`: one operation after the other: sent, classed, measured, entered in the history.
//! - `codes`: waiting for a code, and asking for it another way.
//! - `trusted`, `new_device`, `removal`, `password`, `attack`: the journeys.

mod attack;
mod codes;
mod going;
pub mod identity;
mod new_device;
mod off;
mod password;
mod removal;
mod trusted;

use std::time::Duration;

pub use identity::{Identity, Numbers, Terms, TrustedDevice, Visit};

use crate::client::{Line, Lines};
use crate::history::Happened;
use crate::measure::StormClock;
use crate::measure::{Ending, Sample};
use crate::plan::scenario::{Journey, Party, Think};
use crate::sink::Mailbox;
use going::Going;

/// What is told while a journey goes on.
pub trait Recorder: Send {
    /// Something was measured.
    fn sample(&mut self, sample: Sample);
    /// An operation that the abstract machine knows was answered, or was not.
    fn happened(&mut self, happened: Happened);
}

impl Recorder for crate::drive::engine::Recorder {
    fn sample(&mut self, sample: Sample) {
        crate::drive::engine::Recorder::sample(self, sample);
    }

    fn happened(&mut self, happened: Happened) {
        crate::drive::engine::Recorder::happened(self, happened);
    }
}

/// Everything one attempt needs.
pub struct Walk<'a> {
    /// The line of the device that begins.
    pub line: &'a mut Line,
    /// Where a second device's line comes from.
    pub lines: &'a Lines,
    /// Where codes arrive.
    pub mailbox: &'a Mailbox,
    /// The number of the party in the scenario.
    pub party: u16,
    /// The party.
    pub plan: &'a Party,
    /// The time people take.
    pub think: Think,
    /// What the service declares.
    pub terms: &'a Terms,
    /// Whose account it is.
    pub identity: &'a Identity,
    /// The account's counters: they outlast the arrival, and arrivals at the same account share them.
    pub numbers: &'a Numbers,
    /// Which arrival and attempt: all chance comes from it.
    pub visit: Visit,
    /// The storm's time.
    pub clock: StormClock,
    /// Where it is told.
    pub recorder: &'a mut dyn Recorder,
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    /// How the journey ended. An attacker's is completed when all its tries were answered, whatever the answers were.
    pub ending: Ending,
    /// How much of it people took.
    pub human_us: u64,
    /// Whether an attacker had a session.
    pub entered: bool,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// What went wrong, in words.
    pub complaint: Option<String>,
    /// Whether the second step was taken.
    pub used_second_step: bool,
    /// The trust token that the account's trusted device holds from now on, when it is another one.
    pub trust: Option<String>,
    /// A sign-in that presents the trust token got no answer: the token may be spent, and presenting it again would look like theft.
    /// A device that does as a careful app would comes without it next time.
    pub trust_doubtful: bool,
    /// The account's password from now on, when it is another one: changing it back did not work out.
    pub password: Option<String>,
    /// A change of the password got no answer: the account may have either password.
    pub password_doubtful: bool,
}

/// Walks one attempt.
pub async fn walk(walk: Walk<'_>) -> Walked {
    let journey = walk.plan.journey;
    let (mut going, line) = Going::begin(walk);
    let way = match journey {
        Journey::TrustedSignIn | Journey::Refresh | Journey::SignOut => trusted::go(&mut going, line, journey).await,
        Journey::NewDevice | Journey::Resend | Journey::WrongThenRight | Journey::SubmitTwice => {
            new_device::go(&mut going, line, journey).await
        }
        Journey::RemoveDevice => removal::go(&mut going, line).await,
        Journey::ChangePassword => password::go(&mut going, line).await,
        Journey::StuffPasswords => attack::stuff_passwords(&mut going, line).await,
        Journey::GuessCodes => attack::guess_codes(&mut going, line).await,
        Journey::HammerResend => attack::hammer_resend(&mut going, line).await,
    };
    going.over(way)
}

/// An attempt can be walked by a user that moves between threads.
const _: fn() = || {
    fn moves(_: impl Send) {}
    fn check(one: Walk<'_>) {
        moves(walk(one));
    }
    let _ = check;
};
