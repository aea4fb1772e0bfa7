//! The login activity: what the owner can read of what happened to the account (ACT-01).

use serde::{Deserialize, Serialize};

use super::{Method, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    SignedIn,
    SignedOut,
    SecondStepFailed,
    /// A right password, and no code for a while.
    SecondStepAbandoned,
    /// A pending sign-in was given up by its device.
    SecondStepCancelled,
    /// A pending sign-in was denied by a trusted device.
    SignInDenied,
    PasswordFailed,
    DeviceRenamed,
    DeviceRemoved,
    TwoStepEnabled,
    TwoStepDisabled,
    PasswordChanged,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    Push,
    Email,
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
    pub at: Timestamp,
    pub device_name: String,
    /// Approximate place, derived from the address (ACT-02).
    pub place: String,
    /// The address, its host part left out.
    pub address: String,
    /// What the second step was, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Proof>,
    pub outcome: Outcome,
}
