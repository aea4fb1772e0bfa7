//! A full session: what a pending challenge never is.

use serde::{Deserialize, Serialize};

use super::{DeviceId, SessionId, Timestamp, TokenHash};

/// A session of one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Names it within the account.
    pub id: SessionId,
    pub device: DeviceId,
    /// The address it was opened from, its host part left out.
    pub address: String,
    /// Hash of the present access credential.
    pub access: TokenHash,
    pub access_expires_at: Timestamp,
    /// Hash of the present refresh credential.
    pub refresh: TokenHash,
    /// Hashes of refresh credentials it has replaced (SESS-05).
    pub replaced: Vec<TokenHash>,
    pub created_at: Timestamp,
    /// Last renewal or use.
    pub used_at: Timestamp,
    /// When the password was last proved again in it (TOGL-02).
    pub proved_at: Option<Timestamp>,
}
