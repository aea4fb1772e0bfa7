//! What is made of a seed and a number.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

/// Everybody's password: a server that prepares a million accounts hashes it once.
pub const PASSWORD: &str = "correct horse battery";

/// An app on somebody's phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The app's own name for itself.
    pub installation: String,
    /// What its owner calls it.
    pub name: String,
    /// Where push messages reach it.
    pub push_token: Option<String>,
}

pub(super) fn email(number: u64) -> String {
    format!("storm-{number}@example.com")
}

/// The account whose address this is, when it was made here.
pub fn account_of_email(email: &str) -> Option<u64> {
    email.strip_prefix("storm-")?.strip_suffix("@example.com")?.parse().ok()
}

pub(super) fn device(seed: u64, number: u64, device: u32) -> Device {
    let name = match device {
        super::TRUSTED => format!("Phone of {number}"),
        device => format!("Phone {device} of {number}"),
    };
    Device {
        installation: format!("storm-{seed:x}-{number}-{device}"),
        name,
        push_token: Some(format!("push-{seed:x}-{number}-{device}")),
    }
}

/// The account and the device that a push token reaches, when it was made here.
pub fn account_of_push_token(token: &str) -> Option<(u64, u32)> {
    let mut parts = token.strip_prefix("push-")?.split('-').skip(1);
    let found = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(found)
}

pub(super) fn trust_token(seed: u64, number: u64) -> String {
    format!("tt_{}", BASE64URL_NOPAD.encode(&digest("trust", seed, number, 0)))
}

pub(super) fn changed_password(seed: u64, number: u64) -> String {
    format!("changed {}", &HEXLOWER.encode(&digest("changed", seed, number, 0))[..16])
}

pub(super) fn wrong_password(seed: u64, number: u64, nth: u32) -> String {
    format!("leaked {}", &HEXLOWER.encode(&digest("leaked", seed, number, nth))[..16])
}

fn digest(purpose: &str, seed: u64, number: u64, nth: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(purpose);
    hash.update(seed.to_be_bytes());
    hash.update(number.to_be_bytes());
    hash.update(nth.to_be_bytes());
    hash.finalize().into()
}
