//! Which device is trusted: by a secret of the server's, for one account, for a time.

use super::Standard;
use crate::account::{Account, Device, DeviceId, Timestamp, TokenHash, Trust};
use crate::config::Config;

/// What a device says of itself, and the credential it presents.
#[derive(Clone, Debug)]
pub struct PresentedDevice {
    /// Hash of the trust credential it presents.
    pub token: Option<TokenHash>,
    /// The identifier its app chose: never a proof (DEV-04).
    pub installation: String,
    /// Its label.
    pub name: String,
    /// The push registration it brings.
    pub push_token: Option<String>,
}

/// How a session came to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// By the device's own second step, which asked for trust or declined it.
    SecondStep {
        /// Whether the device wants to be trusted.
        wanted: bool,
    },
    /// By the password alone, two-step verification being off.
    Password,
}

/// Credentials a device's trust has replaced that are still recognised as stolen.
const REPLACED_KEPT: usize = 16;

/// A day in seconds.
const DAY_S: u64 = 24 * 3600;

/// Which device is trusted.
pub trait TrustRules: Send + Sync {
    /// The device of this account whose present credential is presented, unless its trust has lapsed (DEV-02, DEV-03,
    /// DEV-04, DEV-11).
    fn recognise(&self, account: &Account, presented: &PresentedDevice, now: Timestamp, config: &Config) -> Option<DeviceId> {
        let presented = presented.token?;
        let device = account
            .devices
            .iter()
            .find(|device| device.trust.as_ref().is_some_and(|trust| trust.token == presented))?;
        let trust = device.trust.as_ref()?;
        (!self.lapsed(trust, now, config)).then(|| device.id.clone())
    }

    /// Trust ends a declared time after its grant, and after lying unused (DEV-07).
    fn lapsed(&self, trust: &Trust, now: Timestamp, config: &Config) -> bool {
        now >= trust.granted_at.plus_s(config.trust_absolute_d * DAY_S)
            || now >= trust.used_at.plus_s(config.trust_idle_d * DAY_S)
    }

    /// Whether a sign-in makes its device trusted: only by its own second step (DEV-01).
    fn grants(&self, opened: Opened) -> bool {
        matches!(opened, Opened::SecondStep { wanted: true })
    }

    /// Replaces the credential at each use (DEV-06).
    fn rotate(&self, device: &mut Device, token: TokenHash, now: Timestamp) {
        if let Some(trust) = &mut device.trust {
            trust.replaced.push(trust.token);
            let surplus = trust.replaced.len().saturating_sub(REPLACED_KEPT);
            trust.replaced.drain(..surplus);
            trust.token = token;
            trust.used_at = now;
        }
    }

    /// The device whose replaced credential is presented with the right password: somebody holds a copy, so that its trust
    /// and sessions end (DEV-06).
    fn stolen(&self, account: &Account, presented: &PresentedDevice) -> Option<DeviceId> {
        let presented = presented.token?;
        let held = |device: &&Device| device.trust.as_ref().is_some_and(|trust| trust.replaced.contains(&presented));
        account.devices.iter().find(held).map(|device| device.id.clone())
    }
}

impl TrustRules for Standard {}
