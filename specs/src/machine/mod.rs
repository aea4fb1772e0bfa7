//! The abstract machine: what two-step verification means, as pure code. No I/O, no randomness, no clock of its own.
//!
//! - [`state`]: accounts, trust, sessions, challenges, and the time.
//! - [`op`]: what can be done, and the classes of answers.
//! - [`limits`]: lifetimes and caps, in whatever unit of time the reader counts.
//! - [`rules`]: every decision as one small method with the right body; a mutant overrides one of them.
//! - [`step`](mod@step): one operation from one state to the next.
//! - [`ghost`]: ghost state, what really happened; only the invariants read it.
//! - [`invariants`]: the ten promises, each a named function.
//! - [`permitted`]: the decisions that the specification leaves open (a nondeterministic spec), and all that it permits.
//! - [`mutants`]: machines that each take one decision wrongly, and the invariant that tells on them.
//!
//! It is read by the exhaustive exploration (`specs::explore`), by the walk against a live target, by the race checker and
//! by the judge of a storm's history.

pub mod ghost;
pub mod invariants;
pub mod limits;
pub mod mutants;
pub mod op;
pub mod permitted;
pub mod rules;
mod second_step;
mod settings;
pub mod state;
pub mod step;

pub use crate::channel::Channel;
pub use invariants::{Invariant, Stepped, breaches};
pub use limits::Limits;
pub use op::{Answer, App, Code, Guess, Misuse, Op, Password};
pub use permitted::{Disagreement, PermittedBehaviour, PermittedBehaviours};
pub use rules::{Admission, Rules, SignInFacts, Spec, Submission};
pub use state::{Account, AccountId, Challenge, ChallengeId, DeviceId, Key, Seconds, Session, State, Status, Trust};
pub use step::{Message, Recipient, Transition, step};
