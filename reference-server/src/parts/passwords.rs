//! The password hashing part.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

/// Hashes and verifies passwords. Slow on purpose, so the server calls it off its event loop.
pub trait Passwords: Send + Sync {
    /// The hash to keep, salted.
    fn hash(&self, password: &str) -> String;

    /// Whether this password has this hash.
    fn verify(&self, password: &str, hash: &str) -> bool;
}

/// Argon2id (RFC 9106).
#[derive(Clone, Debug)]
pub struct Argon2id {
    argon2: Argon2<'static>,
}

impl Argon2id {
    /// OWASP's minimum: 19 MiB, two passes, one lane.
    pub fn owasp() -> Self {
        Self::with(19_456, 2)
    }

    /// A hash that costs next to nothing, for tests and for the embedded server that a suite starts many times.
    pub fn light() -> Self {
        Self::with(8, 1)
    }

    fn with(memory_kib: u32, passes: u32) -> Self {
        let params = Params::new(memory_kib, passes, 1, None).unwrap_or_default();
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        }
    }
}

impl Passwords for Argon2id {
    fn hash(&self, password: &str) -> String {
        // Hashing fails only for inputs of gigabytes; what is kept then matches no password.
        self.argon2
            .hash_password(password.as_bytes())
            .map_or_else(|_| String::from("!"), |hash| hash.to_string())
    }

    fn verify(&self, password: &str, hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| self.argon2.verify_password(password.as_bytes(), &hash).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let passwords = Argon2id::light();
        let hash = passwords.hash("correct horse");
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse", &hash));
        assert!(!passwords.verify("correct horsf", &hash));
        assert_ne!(hash, passwords.hash("correct horse"), "salted");
        assert!(!passwords.verify("anything", "!"));
    }
}
