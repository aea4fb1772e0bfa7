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

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use goose::goose::{GooseUser, Transaction};
use goose::transaction;
use tokio::sync::Mutex;

pub use identity::{Identity, Numbers, ServiceProfile, TrustedDevice, Visit};

use crate::client::{Line, Lines};
use crate::history::Operation;
use crate::measure::StormClock;
use crate::measure::{Ending, Sample};
use crate::plan::scenario::{Flow, Scenario, UserClass};
use crate::sink::Mailbox;
pub use attack::{guess_codes, hammer_resend, stuff_passwords};
pub use error::FlowError;
pub use new_device::{new_device, resend, submit_twice, wrong_then_right};
pub use password::change_password;
pub use removal::remove_device;
pub use trusted::{refresh, sign_out, trusted_sign_in};
pub use virtual_user::{Asked, Device, VirtualUser, challenged, done, signed_in};

/// A device's connections. Only one attempt uses them at a time; the lock is what lets them outlast it.
pub type SharedLine = Arc<Mutex<Line>>;

/// What is recorded while a flow goes on.
pub trait Recorder: Send + Sync {
    /// Something was measured.
    fn sample(&self, sample: Sample);
    /// An operation that the abstract machine knows was answered, or was not.
    fn operation(&self, operation: Operation);
}

/// Everything one attempt needs.
#[derive(Clone)]
pub struct Iteration {
    /// The line of the device that begins.
    pub line: SharedLine,
    /// Where a second device's line comes from.
    pub lines: Lines,
    pub mailbox: Mailbox,
    pub scenario: Arc<Scenario>,
    /// The number of the user's class in the scenario.
    pub class: u16,
    pub profile: Arc<ServiceProfile>,
    pub identity: Identity,
    /// The account's counters: they outlast the arrival, and arrivals at the same account share them.
    pub numbers: Arc<Numbers>,
    /// Which arrival and attempt: all chance comes from it.
    pub visit: Visit,
    pub clock: StormClock,
    pub recorder: Arc<dyn Recorder>,
}

/// The transactions that the flows of a scenario are, and those that a program of one's own adds.
#[derive(Clone)]
pub struct Flows {
    known: BTreeMap<Flow, Transaction>,
    own: BTreeMap<String, Transaction>,
}

impl Default for Flows {
    fn default() -> Self {
        let known = BTreeMap::from([
            (Flow::TrustedSignIn, transaction!(trusted_sign_in)),
            (Flow::NewDevice, transaction!(new_device)),
            (Flow::Resend, transaction!(resend)),
            (Flow::WrongThenRight, transaction!(wrong_then_right)),
            (Flow::SubmitTwice, transaction!(submit_twice)),
            (Flow::Refresh, transaction!(refresh)),
            (Flow::SignOut, transaction!(sign_out)),
            (Flow::RemoveDevice, transaction!(remove_device)),
            (Flow::ChangePassword, transaction!(change_password)),
            (Flow::StuffPasswords, transaction!(stuff_passwords)),
            (Flow::GuessCodes, transaction!(guess_codes)),
            (Flow::HammerResend, transaction!(hammer_resend)),
        ]);
        Self {
            known,
            own: BTreeMap::new(),
        }
    }
}

impl Flows {
    /// Adds a flow of one's own, for the class of this name whose `flow` is `own`.
    #[must_use]
    pub fn with(mut self, class: impl Into<String>, transaction: Transaction) -> Self {
        self.own.insert(class.into(), transaction);
        self
    }

    /// What a class does; `None` where it is a flow of one's own that nobody has added.
    pub fn of(&self, class: &UserClass) -> Option<&Transaction> {
        match class.flow {
            Flow::Own => self.own.get(&class.name),
            flow => self.known.get(&flow),
        }
    }
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

/// One attempt: the iteration becomes the session data of Goose's user, on which the transaction is called.
pub async fn run(goose: &mut GooseUser, transaction: &Transaction, iteration: Iteration) -> FlowOutcome {
    goose.set_session_data(VirtualUser::begin(iteration));
    let result = (transaction.function)(goose).await;
    VirtualUser::of(goose).outcome(result.map_err(FlowError::from))
}
