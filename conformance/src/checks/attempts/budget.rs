//! Guesses at codes: per challenge, per account, in a row.

use std::time::Duration;

use targets::{Operation, OperationKind};

use super::{guess_right, guess_wrong, open, spend};
use crate::check::Check;
use crate::checks::moves::cool_down;
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, accepted, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "ATT-01.cap-refuses-the-right-code",
        title: "after the declared wrong guesses the right code is refused; as the last allowed guess it is accepted",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(cap_refuses_the_right_code(cx)),
    },
    Check {
        id: "ATT-02.guesses-add-up-over-challenges",
        title: "guesses spread over challenges, devices and addresses add up to the account's limit",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(guesses_add_up_over_challenges(cx)),
    },
    Check {
        id: "ATT-02.resend-keeps-the-count",
        title: "a new code does not give new guesses",
        operations: &[OperationKind::Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(resend_keeps_the_count(cx)),
    },
    Check {
        id: "ATT-03.slow-guessing-ends",
        title: "however slowly the guesses come, after the declared number in a row no code is taken from an untrusted device",
        operations: &[],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(slow_guessing_ends(cx)),
    },
    Check {
        id: "ATT-03.owner-restores-codes",
        title: "the owner gets codes working again from a trusted device",
        operations: &[OperationKind::ChangePassword],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(owner_restores_codes(cx)),
    },
    Check {
        id: "ATT-09.password-clears-no-code-failures",
        title: "a right password between wrong codes does not give new guesses",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(password_clears_no_code_failures(cx)),
    },
    Check {
        id: "ATT-09.success-elsewhere-clears-nothing",
        title: "signing in to one account between guesses at another does not give new guesses",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(success_elsewhere_clears_nothing(cx)),
    },
];

async fn cap_refuses_the_right_code(cx: &mut Context) -> Ending {
    let cap = cx.parameters().attempts_per_challenge;
    let spent = cx.account().await?;
    let (mut device, pending) = open(cx, &spent).await?;
    guess_wrong(cx, &mut device, &pending, cap).await?;
    let beyond = guess_right(cx, &mut device, &pending).await?;
    let fresh = cx.account().await?;
    let (mut device, pending) = open(cx, &fresh).await?;
    guess_wrong(cx, &mut device, &pending, cap - 1).await?;
    let last = guess_right(cx, &mut device, &pending).await?;
    let proof = refused(&format!("the right code after {cap} wrong ones"), &beyond, &last);
    match proof {
        // The twin is half of the requirement: the last allowed guess has to be evaluated.
        Err(Stop::NotTested(_)) => accepted(&format!("the right code as guess {cap} of {cap}"), &last),
        ending => ending,
    }
}

async fn guesses_add_up_over_challenges(cx: &mut Context) -> Ending {
    let limit = cx.parameters().account_wrong_limit;
    let at_limit = after_spread_guesses(cx, limit).await?;
    let below = after_spread_guesses(cx, limit - 1).await?;
    refused(
        &format!("the right code after {limit} wrong ones on the account"),
        &at_limit,
        &below,
    )
}

/// The right code after this many wrong ones, no challenge exhausted, each device from its own address.
async fn after_spread_guesses(cx: &mut Context, guesses: u32) -> Result<targets::Answer, Stop> {
    let account = cx.account().await?;
    let each = cx.parameters().attempts_per_challenge - 1;
    let needed = guesses.div_ceil(each.max(1)) + 1;
    if each == 0 || needed > cx.parameters().live_challenges {
        return Err(Stop::NotTested(format!(
            "{needed} live challenges would be needed to spread the guesses"
        )));
    }
    let (mut last, held) = open(cx, &account).await?;
    let mut left = guesses;
    while left > 0 {
        let (mut device, pending) = open(cx, &account).await?;
        let now = left.min(each);
        guess_wrong(cx, &mut device, &pending, now).await?;
        left -= now;
    }
    guess_right(cx, &mut last, &held).await
}

async fn resend_keeps_the_count(cx: &mut Context) -> Ending {
    let beyond = after_guess_resend_guess(cx, 1).await?;
    let within = after_guess_resend_guess(cx, 0).await?;
    refused(
        "the right code after a resend, the guesses of the challenge spent",
        &beyond,
        &within,
    )
}

/// All guesses but one, a resend, so many more wrong ones, and the right code of the resend.
async fn after_guess_resend_guess(cx: &mut Context, more: u32) -> Result<targets::Answer, Stop> {
    let account = cx.account().await?;
    let (mut device, pending) = open(cx, &account).await?;
    let cap = cx.parameters().attempts_per_challenge;
    guess_wrong(cx, &mut device, &pending, cap - 1).await?;
    cool_down(cx).await?;
    let cursor = cx.cursor();
    cx.prepare(&mut device, Operation::Resend {}).await?;
    let message = cx.code_since(cursor, &account).await?;
    let code = message
        .code
        .clone()
        .ok_or_else(|| Stop::NotTested("the resent message carries no code".to_owned()))?;
    let resent = crate::context::Pending { code, ..pending };
    guess_wrong(cx, &mut device, &resent, more).await?;
    guess_right(cx, &mut device, &resent).await
}

/// A day apart, so that every window, lock and daily allowance has passed.
const DAY: Duration = Duration::from_secs(24 * 3600 + 1);

/// Spends the declared number of wrong codes in a row, as slowly as every other limit asks.
async fn guess_slowly(cx: &mut Context, account: &Account, guesses: u32) -> Result<(), Stop> {
    let a_day = cx.parameters().account_wrong_limit;
    let mut left = guesses;
    while left > 0 {
        let now = left.min(a_day);
        spend(cx, account, now).await?;
        left -= now;
        cx.advance(DAY).await?;
    }
    Ok(())
}

async fn slow_guessing_ends(cx: &mut Context) -> Ending {
    let most = cx.parameters().account_consecutive_max;
    let guessed = cx.account().await?;
    guess_slowly(cx, &guessed, most).await?;
    let (mut device, pending) = open(cx, &guessed).await?;
    let beyond = guess_right(cx, &mut device, &pending).await?;
    let spared = cx.account().await?;
    guess_slowly(cx, &spared, cx.parameters().account_wrong_limit).await?;
    let (mut device, pending) = open(cx, &spared).await?;
    let within = guess_right(cx, &mut device, &pending).await?;
    refused(&format!("the right code after {most} wrong ones in a row"), &beyond, &within)
}

async fn owner_restores_codes(cx: &mut Context) -> Ending {
    let Member { mut account, mut phone } = cx.member().await?;
    guess_slowly(cx, &account, cx.parameters().account_consecutive_max).await?;
    cx.sign_in(&mut phone, &account).await?;
    let new = "restored by its owner 1".to_owned();
    cx.prepare(
        &mut phone,
        Operation::ChangePassword {
            current: account.password.clone(),
            new: new.clone(),
        },
    )
    .await?;
    account.password = new;
    let (mut device, pending) = open(cx, &account).await?;
    let right = guess_right(cx, &mut device, &pending).await?;
    accepted("a code after the owner changed the password on a trusted device", &right)
}

async fn password_clears_no_code_failures(cx: &mut Context) -> Ending {
    let limit = cx.parameters().account_wrong_limit;
    let beyond = after_interlude(cx, limit, false).await?;
    let within = after_interlude(cx, limit - 1, false).await?;
    refused(
        "the right code with the account's guesses spent around a right password",
        &beyond,
        &within,
    )
}

async fn success_elsewhere_clears_nothing(cx: &mut Context) -> Ending {
    let limit = cx.parameters().account_wrong_limit;
    let beyond = after_interlude(cx, limit, true).await?;
    let within = after_interlude(cx, limit - 1, true).await?;
    refused(
        "the right code with the account's guesses spent around a sign-in elsewhere",
        &beyond,
        &within,
    )
}

/// Wrong codes, an interlude (a right password here, or a complete sign-in on another account), the last wrong code, and
/// then the right one.
async fn after_interlude(cx: &mut Context, guesses: u32, elsewhere: bool) -> Result<targets::Answer, Stop> {
    let account = cx.account().await?;
    let (mut last, held) = open(cx, &account).await?;
    spend(cx, &account, guesses - 1).await?;
    let (mut between, pending) = if elsewhere {
        cx.member().await?;
        (last.clone(), held.clone())
    } else {
        open(cx, &account).await?
    };
    guess_wrong(cx, &mut between, &pending, 1).await?;
    guess_right(cx, &mut last, &held).await
}
