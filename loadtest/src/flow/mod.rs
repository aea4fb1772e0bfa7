//! What people and attackers do: one attempt at a flow, over a line and the mailbox.
//!
//! Nothing is tried again in here, but for what an app does by itself: it asks for a code another way when none came, and once more
//! when the service said from when on it may.
//!
//! - [`identity`]: whose account it is, and what the storm knows of it.
//! - `user`: one operation after the other: sent, classed, measured, entered in the history.
//! - `codes`: waiting for a code, and asking for it another way.
//! - `trusted`, `new_device`, `removal`, `password`, `attack`: the flows.

mod attack;
mod codes;
mod error;
pub mod identity;
mod new_device;
mod password;
mod removal;
mod trusted;
mod virtual_user;

use std::time::Duration;

pub use identity::{Identity, Numbers, ServiceProfile, TrustedDevice, Visit};

use crate::client::{Line, Lines};
use crate::history;
use crate::measure::StormClock;
use crate::measure::{Ending, Sample};
use crate::plan::scenario::{Flow, Think, UserClass};
use crate::sink::Mailbox;
use virtual_user::VirtualUser;

/// What is told while a flow goes on.
pub trait Recorder: Send {
    /// Something was measured.
    fn sample(&mut self, sample: Sample);
    /// An operation that the abstract machine knows was answered, or was not.
    fn operation(&mut self, operation: history::Operation);
}

impl Recorder for crate::drive::engine::Recorder {
    fn sample(&mut self, sample: Sample) {
        crate::drive::engine::Recorder::sample(self, sample);
    }

    fn operation(&mut self, operation: history::Operation) {
        crate::drive::engine::Recorder::operation(self, operation);
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
    /// The number of the class in the scenario.
    pub class: u16,
    /// The class.
    pub plan: &'a UserClass,
    /// The time people take.
    pub think: Think,
    /// What the service declares.
    pub profile: &'a ServiceProfile,
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
pub struct FlowOutcome {
    /// How the flow ended. An attacker's is completed when all its tries were answered, whatever the answers were.
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
pub async fn walk(walk: Walk<'_>) -> FlowOutcome {
    let flow = walk.plan.flow;
    let (mut user, line) = VirtualUser::begin(walk);
    let way = match flow {
        Flow::TrustedSignIn | Flow::Refresh | Flow::SignOut => trusted::go(&mut user, line, flow).await,
        Flow::NewDevice | Flow::Resend | Flow::WrongThenRight | Flow::SubmitTwice => new_device::go(&mut user, line, flow).await,
        Flow::RemoveDevice => removal::go(&mut user, line).await,
        Flow::ChangePassword => password::go(&mut user, line).await,
        Flow::StuffPasswords => attack::stuff_passwords(&mut user, line).await,
        Flow::GuessCodes => attack::guess_codes(&mut user, line).await,
        Flow::HammerResend => attack::hammer_resend(&mut user, line).await,
    };
    user.over(way)
}

/// An attempt can be walked by a user that moves between threads.
const _: fn() = || {
    fn moves(_: impl Send) {}
    fn check(one: Walk<'_>) {
        moves(walk(one));
    }
    let _ = check;
};
