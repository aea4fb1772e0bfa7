//! The declared length, and zeros that count.

use std::time::Duration;

use super::collect::codes;
use crate::checks::steps::{open, submit};
use crate::context::Context;
use crate::proof::{CheckError, CheckResult, assert_that, assert_two_sided, failed};

checks!(
    /// Codes looked at. That none of so many fair ones begins with a zero has a chance of 7e-10.
    const SAMPLE: usize = 200;

    /// two hundred codes have the declared number of characters, and some begin with a zero
    #[check("CODE-01.codes-have-the-declared-length")]
    async fn codes_have_the_declared_length(cx: &mut Context) -> CheckResult {
        let codes = codes(cx, SAMPLE, SAMPLE, Duration::ZERO).await?;
        let declared = cx.parameters().code_length as usize;
        let proof = assert_that(
            "at least six digits are declared",
            declared >= 6,
            format!("{declared} are declared"),
        )?;
        if let Some(odd) = codes.iter().find(|code| code.chars().count() != declared) {
            return failed(format!("every code has {declared} characters"), format!("`{odd}` came"));
        }
        let digits = |code: &String| code.chars().all(|c| c.is_ascii_digit());
        let all_digits = codes.iter().all(digits);
        let proof = proof.and(assert_that(
            "all codes are of one alphabet",
            all_digits || !codes.iter().any(digits),
            "some are digits alone and some are not",
        )?);
        Ok(proof.and(assert_that(
            "some code begins with a zero",
            !all_digits || codes.iter().any(|code| code.starts_with('0')),
            format!("none of {} does", codes.len()),
        )?))
    }

    /// a code that begins with a zero is accepted with it and refused without it
    #[check("CODE-01.leading-zero-counts")]
    async fn leading_zero_counts(cx: &mut Context) -> CheckResult {
        let at_once = cx
            .parameters()
            .live_challenges
            .min(cx.parameters().sends_per_account_day)
            .max(1);
        for _ in 0..SAMPLE.div_ceil(at_once as usize) {
            let account = cx.account().await?;
            for _ in 0..at_once {
                let (mut device, pending) = open(cx, &account).await?;
                if !pending.code.chars().all(|c| c.is_ascii_digit()) {
                    return Err(CheckError::NotApplicable("the codes are not digits".to_owned()));
                }
                let Some(stripped) = pending.code.strip_prefix('0') else {
                    continue;
                };
                let bare = submit(cx, &mut device.clone(), stripped).await?;
                let whole = submit(cx, &mut device, &pending.code).await?;
                // That the zero is accepted is the other half of the requirement.
                return assert_two_sided(
                    "a code without its leading zero",
                    &bare,
                    "a code with its leading zero",
                    &whole,
                );
            }
        }
        failed("some code begins with a zero", format!("none of {SAMPLE} does"))
    }
);
