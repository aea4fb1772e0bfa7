//! The abstract machine: what two-step verification means, as pure code. No I/O, no randomness, no clock of its own.
//!
//! - [`state`]: accounts, trust, sessions, challenges, and the time.
//! - [`op`]: what can be done, and the classes of answers.
//! - [`limits`]: lifetimes and caps, in whatever unit of time the reader counts.
//! - [`rules`]: every decision as one small method with the right body; a wrong machine overrides one of them.
//! - [`step`](mod@step): one operation from one state to the next.
//! - [`history`]: what really happened, kept beside the state and never asked by a decision.
//! - [`invariants`]: the ten promises, each a named function.
//! - [`readings`]: the few decisions that the specification leaves open, and all ways to read them.
//! - [`wrong`]: machines that each take one decision wrongly, and the invariant that tells on them.
//!
//! It is read by the exhaustive exploration (`specs::explore`), by the walk against a live target, by the race checker and
//! by the judge of a storm's history.

pub mod history;
pub mod invariants;
pub mod limits;
pub mod op;
pub mod readings;
pub mod rules;
mod second_step;
mod settings;
pub mod state;
pub mod step;
pub mod wrong;

pub use invariants::{Invariant, Stepped, breaches};
pub use limits::Limits;
pub use op::{Answer, App, Code, Guess, Method, Op, Password, Wish};
pub use readings::{Disagreement, Reading, Readings};
pub use rules::{Admission, Right, Rules, Shown, SignInFacts};
pub use state::{Account, AccountId, Challenge, ChallengeId, DeviceId, Key, Seconds, Session, State, Status, Trust};
pub use step::{Message, Recipient, Taken, step, take};
