//! What operations tell, in the words of the contract. Secrets stand only where they are handed out.

use serde::Serialize;

use super::Service;
use crate::account::{Account, AccountId, Challenge, ChallengeId, Device, DeviceId, Method, Session, Timestamp};
use crate::policy::At;
use crate::policy::delivery::email_rests;

/// A pending challenge.
#[derive(Clone, Debug, Serialize)]
pub struct ChallengeView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    pub id: ChallengeId,
    pub method: Method,
    /// Ways it can be asked for.
    pub methods: Vec<Method>,
    pub expires_at: Timestamp,
    /// First moment of the next send.
    pub resend_at: Timestamp,
    /// When the challenge as a whole ends.
    pub ends_at: Timestamp,
    pub attempts_left: u32,
}

/// A pending challenge as a signed-in device sees it: no code, no handle.
#[derive(Clone, Debug, Serialize)]
pub struct PendingRow {
    /// By which it can be denied.
    pub id: ChallengeId,
    /// Label of the device that asks.
    pub device_name: String,
    pub place: String,
    pub method: Method,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Fresh credentials of a session.
#[derive(Clone, Debug, Serialize)]
pub struct SessionGrant {
    pub session: Tokens,
    pub device: DeviceBrief,
    /// The device's trust credential, when it was granted or replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_token: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tokens {
    /// Opens the session.
    pub access_token: String,
    pub access_expires_at: Timestamp,
    /// Renews it, once.
    pub refresh_token: String,
    /// When the session as a whole ends.
    pub expires_at: Timestamp,
}

/// A device in a few words.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceBrief {
    pub id: DeviceId,
    pub name: String,
    pub trusted: bool,
}

/// Who is signed in.
#[derive(Clone, Debug, Serialize)]
pub struct SessionView {
    pub account: AccountView,
    pub device: DeviceBrief,
    pub expires_at: Timestamp,
}

/// An account in a few words.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    pub id: AccountId,
    pub email: String,
    pub two_step: bool,
}

/// A row of the device list (DEV-08): no credential, no push registration.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceRow {
    pub id: DeviceId,
    pub name: String,
    pub trusted: bool,
    /// Whether it is the asking one.
    pub current: bool,
    pub first_used_at: Timestamp,
    pub last_used_at: Timestamp,
    /// Approximate place of the last use.
    pub place: String,
}

/// The two-step setting.
#[derive(Clone, Debug, Serialize)]
pub struct TwoStepView {
    pub enabled: bool,
    pub methods: Vec<Method>,
}

/// What stands where no place is known.
pub(super) const UNKNOWN_PLACE: &str = "unknown";

impl Service {
    pub(super) fn challenge_view(
        &self,
        account: &Account,
        challenge: &Challenge,
        handle: Option<String>,
        at: At<'_>,
    ) -> ChallengeView {
        let config = at.config;
        let mut methods = config.methods.clone();
        if email_rests(self.policy(), account, at) {
            methods.retain(|method| *method != Method::Email);
        }
        ChallengeView {
            handle,
            id: challenge.id.clone(),
            method: challenge.method,
            methods,
            expires_at: self.policy().code_expires_at(challenge, at),
            resend_at: challenge.sent_at.plus_s(config.resend_cooldown_s),
            ends_at: challenge.created_at.plus_s(config.challenge_max_s),
            attempts_left: config.attempts_per_challenge.saturating_sub(challenge.attempts),
        }
    }

    pub(super) fn is_trusted(&self, device: &Device, at: At<'_>) -> bool {
        device
            .trust
            .as_ref()
            .is_some_and(|trust| !self.policy().trust_lapsed(trust, at))
    }

    pub(super) fn device_brief(&self, device: &Device, at: At<'_>) -> DeviceBrief {
        DeviceBrief {
            id: device.id.clone(),
            name: device.name.clone(),
            trusted: self.is_trusted(device, at),
        }
    }

    pub(super) fn device_row(&self, device: &Device, current: bool, at: At<'_>) -> DeviceRow {
        DeviceRow {
            id: device.id.clone(),
            name: device.name.clone(),
            trusted: self.is_trusted(device, at),
            current,
            first_used_at: device.first_used_at,
            last_used_at: device.last_used_at,
            place: device.place.clone().unwrap_or_else(|| UNKNOWN_PLACE.to_owned()),
        }
    }

    pub(super) fn ends_at(&self, session: &Session) -> Timestamp {
        session.created_at.plus_s(self.config().session_absolute_s)
    }

    pub(super) fn account_view(account: &Account) -> AccountView {
        AccountView {
            id: account.id.clone(),
            email: account.email.clone(),
            two_step: account.two_step,
        }
    }
}
