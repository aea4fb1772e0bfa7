//! The login activity: what the owner can read of what happened to the account (ACT-01).

use serde::{Deserialize, Serialize};

use super::{Method, Timestamp};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A session was opened.
    SignedIn,
    /// A session was ended by its device.
    SignedOut,
    /// A wrong code.
    SecondStepFailed,
    /// A right password, and no code for a while.
    SecondStepAbandoned,
    /// A pending sign-in was given up by its device.
    SecondStepCancelled,
    /// A pending sign-in was denied by a trusted device.
    SignInDenied,
    /// Wrong passwords.
    PasswordFailed,
    /// A device got another label.
    DeviceRenamed,
    /// A device was removed.
    DeviceRemoved,
    /// Two-step verification was switched on.
    TwoStepEnabled,
    /// Two-step verification was switched off.
    TwoStepDisabled,
    /// The password was changed.
    PasswordChanged,
    /// The password was reset by mail.
    PasswordReset,
}

impl Outcome {
    /// Whether somebody who is not signed in can bring it about, and so as often as limits allow.
    pub fn is_a_failure(self) -> bool {
        matches!(
            self,
            Outcome::SecondStepFailed | Outcome::SecondStepAbandoned | Outcome::SecondStepCancelled | Outcome::PasswordFailed
        )
    }
}

/// What opened a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A code by push.
    Push,
    /// A code by email.
    Email,
    /// The device's trust.
    Trust,
    /// The password alone, two-step verification being off.
    Password,
}

impl From<Method> for Proof {
    fn from(method: Method) -> Self {
        match method {
            Method::Push => Proof::Push,
            Method::Email => Proof::Email,
        }
    }
}

/// One row of the login activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// The device's label.
    pub device_name: String,
    /// Approximate place, derived from the address (ACT-02).
    pub place: String,
    /// The address, its host part left out.
    pub address: String,
    /// What the second step was, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Proof>,
    /// What happened.
    pub outcome: Outcome,
}
