//! Identifiers, which are public and whose copies share their text, and the hashes of tokens, which are all that is kept of a secret (CODE-05).

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// A new one, random.
            pub fn random() -> Self {
                let bytes: [u8; 12] = rand::random();
                Self(format!(concat!($prefix, "{}"), BASE64URL_NOPAD.encode(&bytes)).into())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self(String::deserialize(deserializer)?.into()))
            }
        }
    )*};
}

ids! {
    /// Names an account.
    AccountId "acc_";
    /// Names a device within its account.
    DeviceId "dev_";
    /// Names a challenge to the signed-in devices of its account.
    ChallengeId "chl_";
    /// Names a session within its account.
    SessionId "ses_";
}

/// SHA-256 of a token. Tokens carry 256 bits of their own, so no salt is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of this token's text.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}
