//! Mutants of the area `code`.

use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference_server::account::{Account, ChallengeId};
use reference_server::policy::{At, Policy, Standard};
use reference_server::ports::{CodeFor, CodeSource, RandomCodes};
use sha2::{Digest, Sha256};

mutants! {
    /// A code is written like a number, so that one in ten comes short.
    "leading-zero-stripped" breaks "CODE-01": codes LeadingZeroStripped {
        fn draw(&self, wanted: CodeFor<'_>) -> String {
            let code = RandomCodes.draw(wanted);
            code.trim_start_matches('0').to_owned()
        }
    }

    /// A code is accepted without its leading zeros.
    "codes-compared-as-numbers" breaks "CODE-01": policy ComparedAsNumbers {
        fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
            let padded = format!("{submitted:0>width$}", width = at.config.code_length as usize);
            Standard.code_matches(account, challenge, &padded, at)
        }
    }

    /// Codes are drawn from 100000 upwards.
    "first-digit-never-zero" breaks "CODE-02": codes FirstDigitNeverZero {
        fn draw(&self, _wanted: CodeFor<'_>) -> String {
            six(rand::rng().random_range(100_000..=999_999))
        }
    }

    /// Codes are drawn from ten bits, spread evenly over the digits.
    "ten-bit-codes" breaks "CODE-02": codes TenBits {
        fn draw(&self, _wanted: CodeFor<'_>) -> String {
            // A stride that has no factor in common with a million: every digit is as likely, most codes never come.
            six(rand::rng().random_range(0..1024) * 7919)
        }
    }

    /// The generator is seeded with the second of the request.
    "time-seeded-prng" breaks "CODE-03": codes TimeSeeded {
        fn draw(&self, wanted: CodeFor<'_>) -> String {
            let second = u64::try_from(wanted.now.0 / 1000).unwrap_or_default();
            six(StdRng::seed_from_u64(second).random_range(0..1_000_000))
        }
    }

    /// A code is the beginning of a hash of the address and the minute.
    "code-from-account-hash" breaks "CODE-03": codes FromAccountHash {
        fn draw(&self, wanted: CodeFor<'_>) -> String {
            let minute = wanted.now.0 / 60_000;
            let hash = Sha256::digest(format!("{}{minute}", wanted.email));
            six(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
        }
    }

    /// Each code is the one before it and a fixed step.
    "codes-count-up" breaks "CODE-03": codes = CountUp(AtomicU32::new(rand::random()));

    /// A blank code is compared with a stored one that defaults to blank, too.
    "empty-code-matches-missing" breaks "CODE-04": policy = AlsoAccepts(|code| code.trim().is_empty());

    /// The code of the test suite works in production.
    "test-code-left-in" breaks "CODE-04": policy = AlsoAccepts(|code| code == "123456");
}

/// A number below a million as a code of six digits.
fn six(number: u32) -> String {
    format!("{:06}", number % 1_000_000)
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
