//! The password hashing part.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Hashes and verifies passwords. Slow on purpose, so the server calls it off its event loop.
pub trait Passwords: Send + Sync {
    /// The hash to keep, salted.
    fn hash(&self, password: &str, memory: &mut HashMemory) -> String;

    /// Whether this password has this hash.
    fn verify(&self, password: &str, hash: &str, memory: &mut HashMemory) -> bool;
}

/// What hashes are worked out in. Whoever hashes again and again keeps one and hands it in each time: blocks of many megabytes
/// that are freed and allocated anew on every thread stay resident in the allocator's arenas.
#[derive(Debug, Default)]
pub struct HashMemory {
    blocks: Vec<Block>,
}

impl HashMemory {
    /// At least so many blocks; `None` where the machine has no more.
    fn at_least(&mut self, blocks: usize) -> Option<&mut [Block]> {
        let missing = blocks.saturating_sub(self.blocks.len());
        self.blocks.try_reserve_exact(missing).ok()?;
        self.blocks.resize(self.blocks.len() + missing, Block::new());
        Some(&mut self.blocks)
    }
}

/// Argon2id (RFC 9106).
#[derive(Clone, Debug)]
pub struct Argon2id {
    params: Params,
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
        Self {
            params: Params::new(memory_kib, passes, 1, None).unwrap_or_default(),
        }
    }
}

impl Passwords for Argon2id {
    fn hash(&self, password: &str, memory: &mut HashMemory) -> String {
        let mut hash = || {
            let salt = Salt::new(&argon2::password_hash::try_generate_salt().ok()?).ok()?;
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&self.params).ok()?,
                salt: Some(salt),
                hash: Some(output(
                    Algorithm::Argon2id,
                    Version::V0x13,
                    self.params.clone(),
                    password,
                    &salt,
                    memory,
                )?),
            };
            Some(hash.to_string())
        };
        // Fails without randomness or memory, and for inputs of gigabytes; what is kept then matches no password.
        hash().unwrap_or_else(|| String::from("!"))
    }

    fn verify(&self, password: &str, hash: &str, memory: &mut HashMemory) -> bool {
        let mut right = || {
            let hash = PasswordHash::new(hash).ok()?;
            let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
            let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
            let params = Params::try_from(&hash).ok()?;
            let worked_out = output(algorithm, version, params, password, hash.salt.as_ref()?, memory)?;
            // Outputs compare in constant time.
            Some(worked_out == hash.hash?)
        };
        right().unwrap_or(false)
    }
}

fn output(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    password: &str,
    salt: &Salt,
    memory: &mut HashMemory,
) -> Option<Output> {
    let memory = memory.at_least(params.block_count())?;
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
    let argon2 = Argon2::new(algorithm, version, params);
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, out, memory)
        .ok()?;
    Output::new(out).ok()
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier;

    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let (passwords, memory) = (Argon2id::light(), &mut HashMemory::default());
        let hash = passwords.hash("correct horse", memory);
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", &hash, memory));
        assert!(!passwords.verify("correct horsf", &hash, memory));
        assert_ne!(hash, passwords.hash("correct horse", memory), "salted");
        assert!(!passwords.verify("anything", "!", memory));
    }

    #[test]
    fn memory_that_was_used_before_changes_no_hash() {
        let (used, fresh) = (&mut HashMemory::default(), &mut HashMemory::default());
        let larger = Argon2id::with(64, 2).hash("correct horse", used);
        let hash = Argon2id::light().hash("correct horse", used);
        assert!(
            Argon2::default().verify_password(b"correct horse", hash.as_str()).is_ok(),
            "by the library alone"
        );
        assert!(Argon2id::light().verify("correct horse", &hash, fresh));
        assert!(
            Argon2id::light().verify("correct horse", &larger, fresh),
            "by what stands in the hash"
        );
        assert!(fresh.at_least(usize::MAX).is_none());
    }
}
