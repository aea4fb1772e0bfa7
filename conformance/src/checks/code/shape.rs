//! The declared length, and zeros that count.

use std::time::Duration;

use super::collect::codes;
use crate::check::Check;
use crate::checks::moves::{open, submit, two_sided};
use crate::context::Context;
use crate::proof::{Ending, Stop, failed, holds};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "CODE-01.codes-have-the-declared-length",
        title: "two hundred codes have the declared number of characters, and some begin with a zero",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(codes_have_the_declared_length(cx)),
    },
    Check {
        id: "CODE-01.leading-zero-counts",
        title: "a code that begins with a zero is accepted with it and refused without it",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(leading_zero_counts(cx)),
    },
];

/// Codes looked at. That none of so many fair ones begins with a zero has a chance of 7e-10.
const SAMPLE: usize = 200;

async fn codes_have_the_declared_length(cx: &mut Context) -> Ending {
    let codes = codes(cx, SAMPLE, SAMPLE, Duration::ZERO).await?;
    let declared = cx.parameters().code_length as usize;
    let proof = holds(
        "at least six digits are declared",
        declared >= 6,
        format!("{declared} are declared"),
    )?;
    if let Some(odd) = codes.iter().find(|code| code.chars().count() != declared) {
        return failed(format!("every code has {declared} characters"), format!("`{odd}` came"));
    }
    let digits = |code: &String| code.chars().all(|c| c.is_ascii_digit());
    let all_digits = codes.iter().all(digits);
    let proof = proof.and(holds(
        "all codes are of one alphabet",
        all_digits || !codes.iter().any(digits),
        "some are digits alone and some are not",
    )?);
    Ok(proof.and(holds(
        "some code begins with a zero",
        !all_digits || codes.iter().any(|code| code.starts_with('0')),
        format!("none of {} does", codes.len()),
    )?))
}

async fn leading_zero_counts(cx: &mut Context) -> Ending {
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
                return Err(Stop::NotApplicable("the codes are not digits".to_owned()));
            }
            let Some(stripped) = pending.code.strip_prefix('0') else {
                continue;
            };
            let bare = submit(cx, &mut device.clone(), stripped).await?;
            let whole = submit(cx, &mut device, &pending.code).await?;
            // That the zero is accepted is the other half of the requirement.
            return two_sided(
                "a code without its leading zero",
                &bare,
                "a code with its leading zero",
                &whole,
            );
        }
    }
    failed("some code begins with a zero", format!("none of {SAMPLE} does"))
}
