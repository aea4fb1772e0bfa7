//! A device of an account, and the trust it may have there. Trust belongs to the pair (DEV-03).

use serde::{Deserialize, Serialize};

use super::{DeviceId, Timestamp, TokenHash};

/// A device that has signed in to the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Device {
    /// Names it in the list.
    pub id: DeviceId,
    /// The identifier the app chose at installation: a claim, never a proof (DEV-04).
    pub installation: String,
    pub name: String,
    /// Its trust, once it completed a second step.
    pub trust: Option<Trust>,
    pub push_token: Option<String>,
    pub first_used_at: Timestamp,
    /// Last sign-in or renewal.
    pub last_used_at: Timestamp,
    /// Approximate place of the last use.
    pub place: Option<String>,
}

/// Trust of one device in one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trust {
    /// Hash of the present credential.
    pub token: TokenHash,
    /// Hashes of credentials it has replaced: presenting one is a sign of theft (DEV-06).
    pub replaced: Vec<TokenHash>,
    pub granted_at: Timestamp,
    /// When it last skipped a step.
    pub used_at: Timestamp,
}
