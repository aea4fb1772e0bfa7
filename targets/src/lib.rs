//! How to talk to any implementation of sign-in with two-step verification.
//!
//! - [`operation`]: what a person or an app can do, in the words of the specification.
//! - [`answer`]: what came back, classed, with the facts that checks read.
//! - [`device`]: one client: its cookies, credentials, address, version.
//! - [`tweak`]: a deliberate departure from the honest request.
//! - [`draft`], [`http`], [`jar`]: a request before it is sent, the exchange layer, the cookies of a device.
//! - [`ledger`], [`clock`]: what the target delivered, and how its time passes.
//! - [`fakes`]: the delivery providers, faked, with faults on order.
//! - [`native`], [`control`]: the reference API and the reference server's control interface.
//! - [`binding`]: any other implementation, told in a file.
//! - [`process`]: how many files there can be, and which signals are ignored.
//! - [`text`]: foreign text shown safely to people and in reports.
//! - [`terminal`]: the standard streams of our programs.
//! - [`target`]: the implementation itself; `perform` is the one door.

pub mod answer;
pub mod binding;
pub mod clock;
mod connect;
pub mod control;
mod cookie_date;
pub mod curl;
pub mod device;
pub mod draft;
pub mod fakes;
mod group;
pub mod http;
pub mod jar;
pub mod ledger;
pub mod native;
pub mod operation;
pub mod process;
pub mod redact;
pub mod repeat;
pub mod target;
pub mod terminal;
pub mod text;
mod together;
pub mod transcript;
pub mod tweak;
mod wrong_code;

pub use answer::{Answer, ChallengeFacts, DeviceRow, Facts, Outcome, Refusal};
pub use binding::{Binding, BoundTarget};
pub use clock::{ClockMode, WaitingClock};
pub use connect::is_loopback;
pub use control::{Control, EmailRoute};
pub use device::{CredentialKind, Device};
pub use draft::{Body, Draft, Prepared};
pub use http::{Limits, Wire};
pub use jar::CookieJar;
pub use ledger::{Ledger, Mark, Message, Patterns};
pub use native::{Native, NativeOptions};
pub use operation::{Method, Operation, OperationKind};
pub use redact::{RedactedExchange, RedactedMessage, Redactor, SecretKind};
pub use target::{Capability, Target, TargetError};
pub use transcript::{Exchange, Transcript};
pub use tweak::{RawRequest, Tweak};
pub use wrong_code::wrong_code;
