//! What the owner does with one device or one sign-in, and with nothing else.

use crate::account::{Account, ChallengeId, Device};

/// Changes the label and nothing else (DEV-13).
pub fn rename(device: &mut Device, name: &str) {
    name.clone_into(&mut device.name);
}

/// Voids a pending challenge that a trusted device denied, and its codes with it (NOTE-04).
pub fn deny(account: &mut Account, challenge: &ChallengeId) {
    account.void_challenges(|other| other.id == *challenge);
}
