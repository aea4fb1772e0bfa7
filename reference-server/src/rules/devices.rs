//! What the owner may do with the device list.

use super::Standard;
use crate::account::{Account, ChallengeId, Device, DeviceId};

/// What a rename asks for.
#[derive(Clone, Debug)]
pub struct Renaming {
    /// The new label.
    pub name: String,
}

/// What the owner may do with the device list.
pub trait DeviceRules: Send + Sync {
    /// Removes a device of this account and everything it holds: trust, sessions, push registration, live challenges
    /// (DEV-10, DEV-11), and touches no other (DEV-09, DEV-12). Unknown ids change nothing.
    fn remove(&self, account: &mut Account, id: &DeviceId) {
        let Some(device) = account.device(id) else { return };
        let installation = device.installation.clone();
        account.devices.retain(|device| device.id != *id);
        account.end_sessions(|session| session.device == *id);
        account.void_challenges(|challenge| challenge.installation == installation);
    }

    /// Voids a pending challenge that a trusted device denied, and its codes with it (NOTE-04).
    fn deny(&self, account: &mut Account, challenge: &ChallengeId) {
        account.void_challenges(|other| other.id == *challenge);
    }

    /// Changes the label and nothing else (DEV-13).
    fn rename(&self, device: &mut Device, renaming: &Renaming) {
        device.name.clone_from(&renaming.name);
    }
}

impl DeviceRules for Standard {}
