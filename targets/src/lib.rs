//! How to talk to any implementation of sign-in with two-step verification.
//!
//! - [`operation`]: what a person or an app can do, in the words of the specification.
//! - [`answer`]: what came back, classed, with the facts that checks read.
//! - [`device`]: one client: its cookies, credentials, address, version.
//! - [`request`], [`http`], [`jar`]: a request with its deliberate mutations, the HTTP client, the cookies of a device.
//! - [`delivery_log`], [`clock`]: what the target delivered, and how its time passes.
//! - [`fakes`]: the delivery providers, faked, with faults on order.
//! - [`native`], [`admin`]: the reference API and the reference server's admin API.
//! - [`binding`]: any other implementation, told in a file.
//! - [`process`]: how many files there can be, and which signals are ignored.
//! - [`text`]: foreign text shown safely to people and in reports.
//! - [`terminal`]: the standard streams of our programs.
//! - [`target`]: the implementation itself; `perform` is the one door.

pub mod admin;
pub mod answer;
pub mod binding;
pub mod clock;
mod connect;
mod cookie_date;
pub mod curl;
pub mod delivery_log;
pub mod device;
pub mod fakes;
mod group;
pub mod http;
pub mod jar;
mod last_byte_sync;
pub mod native;
pub mod operation;
pub mod process;
pub mod redact;
pub mod repeat;
pub mod request;
pub mod target;
pub mod terminal;
pub mod text;
pub mod transcript;
mod wrong_code;

pub use admin::{AdminClient, EmailRoute};
pub use answer::{Answer, ChallengeFacts, DeviceRow, Facts, Outcome};
pub use binding::{Binding, BoundTarget};
pub use clock::{ClockMode, WaitingClock};
pub use connect::is_loopback;
pub use delivery_log::{Cursor, DeliveryLog, Message, Patterns};
pub use device::{CredentialKind, Device};
pub use http::{HttpClient, Limits};
pub use jar::CookieJar;
pub use native::{Native, NativeOptions};
pub use operation::{Operation, OperationKind};
pub use redact::{RedactedExchange, RedactedMessage, Redactor, SecretKind};
pub use request::{Body, RawRequest, Request, RequestBuilder, RequestMutation};
pub use specs::{Capability, Channel, Refusal};
pub use target::{Target, TargetError};
pub use transcript::{Exchange, Transcript};
pub use wrong_code::wrong_code;
