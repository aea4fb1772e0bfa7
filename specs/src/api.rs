//! The reference API, said once. The server's router, its `Allow` and its metrics labels, both clients and the test of
//! `openapi.yaml` are made from this table: what stands here and not there, or there and not here, fails
//! `tests/openapi_document.rs`.

mod problem;
mod route;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use problem::{PROBLEMS_PREFIX, ProblemKind, Refusal, Verdict};
pub use route::Route;

/// The credential that a request carries as its bearer token (RFC 6750 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The handle of a pending challenge: it has none of a session's rights.
    Handle,
    Access,
}

/// What a success means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    SignedIn,
    Challenged,
    Done,
}

/// A member that an answer has to have before its status is believed: a success without it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Text(&'static str),
    List(&'static str),
    Flag(&'static str),
}

/// A success of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub status: u16,
    pub means: Success,
    /// JSON pointers; none where the answer has no body.
    pub told: &'static [Told],
}

/// A member of a request's JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub required: bool,
}

/// How an operation is spoken in the reference API.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub method: &'static str,
    /// The path, with `{id}` where an identifier stands.
    pub path: &'static str,
    pub credential: Option<Credential>,
    /// The members of the body; none where there is no body, or an empty one.
    pub fields: &'static [Field],
    pub answers: &'static [Answer],
}

impl Call {
    /// The answer of this status, where it is a success.
    pub fn answer(&self, status: u16) -> Option<&'static Answer> {
        self.answers.iter().find(|answer| answer.status == status)
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $method:ident $path:literal $(by $credential:ident)?
        { $($field:ident $(? $optional:ident)?),* } -> $($status:literal $means:ident($($told:ident $pointer:literal),*))|+;)*) => {
        /// One thing that a person or an app can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Operation {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Operation {
            /// In the order of the specification.
            pub const ALL: &'static [Operation] = &[$(Operation::$name),*];

            /// The name in bindings and records, such as `sign_in`.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$name => $text,)* }
            }

            pub fn call(self) -> &'static Call {
                match self { $(Operation::$name => &const { Call {
                    method: stringify!($method),
                    path: $path,
                    credential: operations!(@credential $($credential)?),
                    fields: &[$(operations!(@field $field $(? $optional)?)),*],
                    answers: &[$(Answer { status: $status, means: Success::$means, told: &[$(Told::$told($pointer)),*] }),+],
                } },)* }
            }
        }
    };
    (@credential) => { None };
    (@credential $credential:ident) => { Some(Credential::$credential) };
    (@field $field:ident) => { Field { name: stringify!($field), required: true } };
    (@field optional ? $field:ident) => { Field { name: stringify!($field), required: false } };
}

operations! {
    CreateAccount = "create_account": POST "/v1/accounts" { email, password } -> 202 Done(Text "/status");
    /// First step: the password, from this device with what it holds (trust, version, name, installation).
    SignIn = "sign_in": POST "/v1/sign-ins" { email, password, device, optional?trust_token }
        -> 201 SignedIn(Text "/session/access_token", Text "/session/refresh_token") | 202 Challenged(Text "/challenge/handle");
    ReadChallenge = "read_challenge": GET "/v1/challenge" by Handle {} -> 200 Done(Text "/challenge/id");
    /// Ask for the code again.
    Resend = "resend": POST "/v1/challenge/resend" by Handle {} -> 200 Done(Text "/challenge/id");
    /// "Did not receive a code?": have it sent another way.
    SwitchMethod = "switch_method": POST "/v1/challenge/method" by Handle { method } -> 200 Done(Text "/challenge/id");
    /// Second step: the code.
    Verify = "verify": POST "/v1/challenge/verify" by Handle { code, optional?trust }
        -> 201 SignedIn(Text "/session/access_token", Text "/session/refresh_token");
    /// Give up the device's own pending challenge.
    Cancel = "cancel": DELETE "/v1/challenge" by Handle {} -> 204 Done();
    /// List the account's pending challenges from a signed-in device.
    ListChallenges = "list_challenges": GET "/v1/challenges" by Access {} -> 200 Done(List "/challenges");
    /// Refuse a pending challenge, named by its public id, from a trusted device.
    Deny = "deny": POST "/v1/challenges/{id}/deny" by Access {} -> 204 Done();
    WhoAmI = "who_am_i": GET "/v1/session" by Access {} -> 200 Done(Text "/account/email");
    /// Renew the session's credentials.
    Refresh = "refresh": POST "/v1/session/refresh" { refresh_token }
        -> 200 SignedIn(Text "/session/access_token", Text "/session/refresh_token");
    /// End this device's session.
    SignOut = "sign_out": DELETE "/v1/session" by Access {} -> 204 Done();
    ListDevices = "list_devices": GET "/v1/devices" by Access {} -> 200 Done(List "/devices");
    RenameDevice = "rename_device": PATCH "/v1/devices/{id}" by Access { name } -> 200 Done(Text "/id");
    /// Remove a device: it is signed out at once and needs a code again.
    RemoveDevice = "remove_device": DELETE "/v1/devices/{id}" by Access {} -> 204 Done();
    /// Register this device for push.
    RegisterPush = "register_push": PUT "/v1/devices/current/push" by Access { token } -> 204 Done();
    /// Have no more pushes sent to this device.
    ForgetPush = "forget_push": DELETE "/v1/devices/current/push" by Access {} -> 204 Done();
    ReadActivity = "read_activity": GET "/v1/activity" by Access {} -> 200 Done(List "/activity");
    ReadTwoStep = "read_two_step": GET "/v1/two-step" by Access {} -> 200 Done(Flag "/enabled");
    SetTwoStep = "set_two_step": PUT "/v1/two-step" by Access { enabled, optional?password } -> 200 Done(Flag "/enabled");
    /// Prove the password again in a session.
    Reauthenticate = "reauthenticate": POST "/v1/session/reauthenticate" by Access { password } -> 204 Done();
    ChangePassword = "change_password": PUT "/v1/account/password" by Access { current_password, new_password } -> 204 Done();
    /// Ask for a reset by mail.
    RequestReset = "request_reset": POST "/v1/password-resets" { email } -> 202 Done(Text "/status");
    /// Finish a reset with the token from the mail.
    CompleteReset = "complete_reset": POST "/v1/password-resets/complete" { token, new_password } -> 204 Done();
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
