//! What the server keeps: one aggregate an account, and the small types it is made of. No I/O, no clock, no rules.

mod activity;
mod address;
mod aggregate;
mod challenge;
mod device;
mod ids;
mod session;
mod shared;
mod time;

pub use activity::{Activity, Outcome, Proof};
pub use address::{anonymize_ip, network};
pub use aggregate::{Account, CodeFailures, PasswordFailures, PendingSignIn, Reset, Status};
pub use challenge::{Challenge, ChallengeState, Method, StoredCode};
pub use device::{Device, Trust};
pub use ids::{AccountId, ChallengeId, DeviceId, SessionId, TokenHash};
pub use session::Session;
pub use time::Timestamp;
