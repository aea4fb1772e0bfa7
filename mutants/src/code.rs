//! Servers that each break one requirement of the area `code`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference_server::account::{Account, ChallengeId};
use reference_server::policy::{At, Policy, Standard};
use reference_server::ports::{CodeFor, CodeSource, RandomCodes};
use sha2::{Digest, Sha256};

use super::KnownBad;

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "leading-zero-stripped",
        requirement: "CODE-01",
        part: "codes",
        summary: "A code is written like a number, so that one in ten comes short.",
        build: |server| server.deps.codes = Arc::new(LeadingZeroStripped),
    },
    KnownBad {
        slug: "codes-compared-as-numbers",
        requirement: "CODE-01",
        part: "policy",
        summary: "A code is accepted without its leading zeros.",
        build: |server| server.deps.policy = Arc::new(ComparedAsNumbers),
    },
    KnownBad {
        slug: "first-digit-never-zero",
        requirement: "CODE-02",
        part: "codes",
        summary: "Codes are drawn from 100000 upwards.",
        build: |server| server.deps.codes = Arc::new(FirstDigitNeverZero),
    },
    KnownBad {
        slug: "ten-bit-codes",
        requirement: "CODE-02",
        part: "codes",
        summary: "Codes are drawn from ten bits, spread evenly over the digits.",
        build: |server| server.deps.codes = Arc::new(TenBits),
    },
    KnownBad {
        slug: "time-seeded-prng",
        requirement: "CODE-03",
        part: "codes",
        summary: "The generator is seeded with the second of the request.",
        build: |server| server.deps.codes = Arc::new(TimeSeeded),
    },
    KnownBad {
        slug: "code-from-account-hash",
        requirement: "CODE-03",
        part: "codes",
        summary: "A code is the beginning of a hash of the address and the minute.",
        build: |server| server.deps.codes = Arc::new(FromAccountHash),
    },
    KnownBad {
        slug: "codes-count-up",
        requirement: "CODE-03",
        part: "codes",
        summary: "Each code is the one before it and a fixed step.",
        build: |server| server.deps.codes = Arc::new(CountUp(AtomicU32::new(rand::random()))),
    },
    KnownBad {
        slug: "empty-code-matches-missing",
        requirement: "CODE-04",
        part: "policy",
        summary: "A blank code is compared with a stored one that defaults to blank, too.",
        build: |server| server.deps.policy = Arc::new(AlsoAccepts(|code| code.trim().is_empty())),
    },
    KnownBad {
        slug: "test-code-left-in",
        requirement: "CODE-04",
        part: "policy",
        summary: "The code of the test suite works in production.",
        build: |server| server.deps.policy = Arc::new(AlsoAccepts(|code| code == "123456")),
    },
];

/// A number below a million as a code of six digits.
fn six(number: u32) -> String {
    format!("{:06}", number % 1_000_000)
}

struct LeadingZeroStripped;

impl CodeSource for LeadingZeroStripped {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let code = RandomCodes.draw(wanted);
        code.trim_start_matches('0').to_owned()
    }
}

struct ComparedAsNumbers;

impl Policy for ComparedAsNumbers {
    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        let padded = format!("{submitted:0>width$}", width = at.config.code_length as usize);
        Standard.code_matches(account, challenge, &padded, at)
    }
}

struct FirstDigitNeverZero;

impl CodeSource for FirstDigitNeverZero {
    fn draw(&self, _wanted: CodeFor<'_>) -> String {
        six(rand::rng().random_range(100_000..=999_999))
    }
}

struct TenBits;

impl CodeSource for TenBits {
    fn draw(&self, _wanted: CodeFor<'_>) -> String {
        // A stride that has no factor in common with a million: every digit is as likely, most codes never come.
        six(rand::rng().random_range(0..1024) * 7919)
    }
}

struct TimeSeeded;

impl CodeSource for TimeSeeded {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let second = u64::try_from(wanted.now.0 / 1000).unwrap_or_default();
        six(StdRng::seed_from_u64(second).random_range(0..1_000_000))
    }
}

struct FromAccountHash;

impl CodeSource for FromAccountHash {
    fn draw(&self, wanted: CodeFor<'_>) -> String {
        let minute = wanted.now.0 / 60_000;
        let hash = Sha256::digest(format!("{}{minute}", wanted.email));
        six(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
    }
}

struct CountUp(AtomicU32);

impl CodeSource for CountUp {
    fn draw(&self, _wanted: CodeFor<'_>) -> String {
        six(self.0.fetch_add(4711, Ordering::Relaxed))
    }
}

/// Accepts these beside the right one.
struct AlsoAccepts(fn(&str) -> bool);

impl Policy for AlsoAccepts {
    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        (self.0)(submitted) || Standard.code_matches(account, challenge, submitted, at)
    }
}
