//! The account: everything that changes together stands in one aggregate, so that each operation is one atomic change.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shared;
use super::{
    AccountId, Activity, Challenge, ChallengeId, ChallengeState, Device, DeviceId, Session, SessionId, Timestamp, TokenHash,
};

/// Whether the account may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    #[default]
    Active,
    /// Switched off by the operator.
    Disabled,
}

/// Wrong codes of the account, whatever challenge, method, device or address they came by (ATT-02).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CodeFailures {
    /// Moments of the wrong codes within the window.
    pub recent: Vec<Timestamp>,
    /// Wrong codes since the last completed second step.
    pub in_a_row: u32,
    pub locked_until: Option<Timestamp>,
    /// Codes are off until the owner restores them (ATT-03).
    pub off: bool,
}

/// Wrong passwords of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PasswordFailures {
    /// Moments of the wrong passwords within the window.
    pub recent: Vec<Timestamp>,
    /// Wrong passwords since the last completed sign-in.
    pub in_a_row: u32,
}

/// A reset asked for by mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reset {
    /// Hash of the mailed token.
    pub token: TokenHash,
    pub expires_at: Timestamp,
}

/// A second step that was begun with the right password and is not completed: the owner hears of it (NOTE-01).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingSignIn {
    pub challenge: ChallengeId,
    pub since: Timestamp,
    /// The identifier that its app chose.
    pub installation: String,
    /// Label of the device that opened it.
    pub device_name: String,
    /// Where it was opened from, approximately.
    pub place: String,
    /// That address, its host part left out.
    pub address: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Its normalised identifier and registered address.
    pub email: String,
    pub status: Status,
    /// Whether a second step is asked for.
    pub two_step: bool,
    /// PHC string of the password; accounts that were seeded with one password share it.
    #[serde(with = "shared::text")]
    pub password_hash: Arc<str>,
    pub devices: Vec<Device>,
    /// Its challenges that are live or recently were.
    pub challenges: Vec<Challenge>,
    pub sessions: Vec<Session>,
    pub resets: Vec<Reset>,
    pub codes: CodeFailures,
    /// Wrong passwords of devices without trust.
    pub passwords: PasswordFailures,
    /// Wrong passwords of trusted devices, counted apart (ATT-04, ATT-06).
    pub trusted_passwords: PasswordFailures,
    /// Moments of the code messages of the last day (RSND-03).
    pub sends: Vec<Timestamp>,
    /// Moments of the reset messages of the last day.
    pub reset_sends: Vec<Timestamp>,
    /// Until when email alone does not complete a second step, after a reset by email (PWD-07).
    pub email_rests_until: Option<Timestamp>,
    /// Second steps begun and not completed.
    pub pending_sign_ins: Vec<PendingSignIn>,
    /// Login activity, newest first. A copy of the account shares the rows, which never change.
    #[serde(with = "shared::rows")]
    pub activity: VecDeque<Arc<Activity>>,
}

impl Account {
    pub fn new(id: AccountId, email: String, password_hash: Arc<str>, two_step: bool) -> Self {
        Self {
            id,
            email,
            status: Status::Active,
            two_step,
            password_hash,
            devices: Vec::new(),
            challenges: Vec::new(),
            sessions: Vec::new(),
            resets: Vec::new(),
            codes: CodeFailures::default(),
            passwords: PasswordFailures::default(),
            trusted_passwords: PasswordFailures::default(),
            sends: Vec::new(),
            reset_sends: Vec::new(),
            email_rests_until: None,
            pending_sign_ins: Vec::new(),
            activity: VecDeque::new(),
        }
    }

    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == *id)
    }

    pub fn device_mut(&mut self, id: &DeviceId) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.id == *id)
    }

    pub fn challenge(&self, id: &ChallengeId) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.id == *id)
    }

    pub fn challenge_mut(&mut self, id: &ChallengeId) -> Option<&mut Challenge> {
        self.challenges.iter_mut().find(|challenge| challenge.id == *id)
    }

    pub fn session(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == *id)
    }

    pub fn session_mut(&mut self, id: &SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == *id)
    }

    /// Keeps this many devices: those without session and trust leave first, then those without trust, longest unused first
    /// (AVAIL-02).
    pub fn drop_devices_beyond(&mut self, most: usize) {
        while self.devices.len() > most {
            let signed_in = |device: &Device| self.sessions.iter().any(|session| session.device == device.id);
            let rank = |device: &&Device| (device.trust.is_some(), signed_in(device), device.last_used_at);
            let Some(id) = self.devices.iter().min_by_key(rank).map(|device| device.id.clone()) else {
                return;
            };
            self.devices.retain(|device| device.id != id);
            self.end_sessions(|session| session.device == id);
        }
    }

    /// Ends the sessions that satisfy `which`.
    pub fn end_sessions(&mut self, which: impl Fn(&Session) -> bool) {
        self.sessions.retain(|session| !which(session));
    }

    /// Ends the trust of the devices that satisfy `which`.
    pub fn end_trust(&mut self, which: impl Fn(&Device) -> bool) {
        for device in self.devices.iter_mut().filter(|device| which(device)) {
            device.trust = None;
        }
    }

    /// Voids every live challenge that satisfies `which`.
    pub fn void_challenges(&mut self, which: impl Fn(&Challenge) -> bool) {
        for challenge in &mut self.challenges {
            if challenge.state == ChallengeState::Live && which(challenge) {
                challenge.state = ChallengeState::Voided;
            }
        }
    }

    /// Every token hash by which a request may find this account.
    pub fn tokens(&self) -> impl Iterator<Item = TokenHash> + '_ {
        let handles = self.challenges.iter().map(|challenge| challenge.handle);
        let sessions = self.sessions.iter().flat_map(|session| {
            [session.access, session.refresh]
                .into_iter()
                .chain(session.replaced.iter().copied())
        });
        handles.chain(sessions).chain(self.resets.iter().map(|reset| reset.token))
    }
}
