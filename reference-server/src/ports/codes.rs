//! The code source part.

use rand::RngExt;

use crate::account::Timestamp;

/// What a code is drawn for. The standard source uses only the length: a code follows from nothing else (CODE-03).
#[derive(Clone, Copy, Debug)]
pub struct CodeFor<'a> {
    pub email: &'a str,
    pub now: Timestamp,
    pub digits: u32,
}

pub trait CodeSource: Send + Sync {
    /// A code of the asked length, leading zeros and all (CODE-01).
    fn draw(&self, wanted: CodeFor<'_>) -> String;
}

/// Uniform over the whole space, from the thread's cryptographic generator (CODE-02, CODE-03).
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomCodes;

impl CodeSource for RandomCodes {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let mut rng = rand::rng();
        (0..wanted.digits)
            .map(|_| char::from(b'0' + rng.random_range(0..10u8)))
            .collect()
    }
}
