//! A pending sign-in: the right password was given, a code is asked for.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{ChallengeId, Timestamp, TokenHash};

/// How a code travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// To the account's trusted devices.
    Push,
    /// To the account's registered address.
    Email,
}

/// Where a challenge stands. Only `Live` has a way on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeState {
    /// A code can be tried.
    Live,
    /// The code was given; the challenge is consumed.
    Verified,
    /// The guesses are spent.
    Exhausted,
    /// Given up, denied, or overtaken by a change of the account.
    Voided,
}

/// What is kept of a code: its hash, bound to the challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCode {
    hash: [u8; 32],
    pub issued_at: Timestamp,
}

impl StoredCode {
    /// The code as it is kept for this challenge.
    pub fn new(challenge: &ChallengeId, code: &str, issued_at: Timestamp) -> Self {
        Self {
            hash: Self::hash(challenge, code),
            issued_at,
        }
    }

    /// Whether `submitted` is this code, in constant time.
    pub fn is(&self, challenge: &ChallengeId, submitted: &str) -> bool {
        self.hash.ct_eq(&Self::hash(challenge, submitted)).into()
    }

    fn hash(challenge: &ChallengeId, code: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(challenge.0.as_bytes())
            .chain_update([0])
            .chain_update(code.as_bytes())
            .finalize()
            .into()
    }
}

/// A pending sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// Public id, by which a trusted device may deny it.
    pub id: ChallengeId,
    /// Hash of the handle that step one returned.
    pub handle: TokenHash,
    /// What the device that completed step one said of itself (BIND-03: nobody else becomes trusted by it).
    pub installation: String,
    pub device_name: String,
    /// The push registration it brought; used only once it is verified (METH-07).
    pub push_token: Option<String>,
    /// Where step one came from, approximately.
    pub place: Option<String>,
    /// How the present code travelled.
    pub method: Method,
    pub state: ChallengeState,
    /// The one code that counts (RSND-02).
    pub code: Option<StoredCode>,
    /// When it was opened; its hard limit counts from here (LIFE-02).
    pub created_at: Timestamp,
    /// When its last message was handed over.
    pub sent_at: Timestamp,
    pub sends: u32,
    /// Guesses reserved.
    pub attempts: u32,
}
