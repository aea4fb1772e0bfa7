//! Guesses at codes: per challenge, per account, in a row.

use std::time::Duration;

use targets::Operation;

use super::spend;
use crate::checks::steps::{guess_wrong, open, resend, submit};
use crate::context::{Account, Context, Member};
use crate::proof::{CheckError, CheckResult, assert_accepted, assert_refused, assert_two_sided, not_tested};

checks!(
    /// after the declared wrong guesses the right code is refused; as the last allowed guess it is accepted
    #[check("ATT-01.cap-refuses-the-right-code")]
    async fn cap_refuses_the_right_code(cx: &mut Context) -> CheckResult {
        let cap = cx.parameters().attempts_per_challenge;
        let spent = cx.account().await?;
        let (mut device, pending) = open(cx, &spent).await?;
        guess_wrong(cx, &mut device, &pending.code, cap).await?;
        let beyond = submit(cx, &mut device, &pending.code).await?;
        let fresh = cx.account().await?;
        let (mut device, pending) = open(cx, &fresh).await?;
        guess_wrong(cx, &mut device, &pending.code, cap - 1).await?;
        let last = submit(cx, &mut device, &pending.code).await?;
        // The twin is half of the requirement: the last allowed guess has to be evaluated.
        assert_two_sided(
            &format!("the right code after {cap} wrong ones"),
            &beyond,
            &format!("the right code as guess {cap} of {cap}"),
            &last,
        )
    }

    /// guesses spread over challenges, devices and addresses add up to the account's limit
    #[check("ATT-02.guesses-add-up-over-challenges")]
    async fn guesses_add_up_over_challenges(cx: &mut Context) -> CheckResult {
        let limit = cx.parameters().account_wrong_limit;
        let at_limit = after_spread_guesses(cx, limit).await?;
        let below = after_spread_guesses(cx, limit - 1).await?;
        assert_refused(
            &format!("the right code after {limit} wrong ones on the account"),
            &at_limit,
            &below,
        )
    }

    /// The right code after this many wrong ones, no challenge exhausted, each device from its own address.
    async fn after_spread_guesses(cx: &mut Context, guesses: u32) -> Result<targets::Answer, CheckError> {
        let account = cx.account().await?;
        let each = cx.parameters().attempts_per_challenge - 1;
        let needed = guesses.div_ceil(each.max(1)) + 1;
        if each == 0 || needed > cx.parameters().live_challenges {
            return not_tested(format!("{needed} live challenges would be needed to spread the guesses"));
        }
        let (mut last, held) = open(cx, &account).await?;
        let mut left = guesses;
        while left > 0 {
            let (mut device, pending) = open(cx, &account).await?;
            let now = left.min(each);
            guess_wrong(cx, &mut device, &pending.code, now).await?;
            left -= now;
        }
        submit(cx, &mut last, &held.code).await
    }

    /// a new code does not give new guesses
    #[check("ATT-02.resend-keeps-the-count", operations = [Resend], moves_clock)]
    async fn resend_keeps_the_count(cx: &mut Context) -> CheckResult {
        let beyond = after_guess_resend_guess(cx, 1).await?;
        let within = after_guess_resend_guess(cx, 0).await?;
        assert_refused(
            "the right code after a resend, the guesses of the challenge spent",
            &beyond,
            &within,
        )
    }

    /// All guesses but one, a resend, so many more wrong ones, and the right code of the resend.
    async fn after_guess_resend_guess(cx: &mut Context, more: u32) -> Result<targets::Answer, CheckError> {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        let cap = cx.parameters().attempts_per_challenge;
        guess_wrong(cx, &mut device, &pending.code, cap - 1).await?;
        let resent = resend(cx, &mut device, &account).await?;
        guess_wrong(cx, &mut device, &resent.code, more).await?;
        submit(cx, &mut device, &resent.code).await
    }

    /// A day apart, so that every window, lock and daily allowance has passed.
    const DAY: Duration = Duration::from_secs(24 * 3600 + 1);

    /// Spends the declared number of wrong codes in a row, as slowly as every other limit asks.
    async fn guess_slowly(cx: &mut Context, account: &Account, guesses: u32) -> Result<(), CheckError> {
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

    /// however slowly the guesses come, after the declared number in a row no code is taken from an untrusted device
    #[check("ATT-03.slow-guessing-ends", moves_clock)]
    async fn slow_guessing_ends(cx: &mut Context) -> CheckResult {
        let most = cx.parameters().account_consecutive_max;
        let guessed = cx.account().await?;
        guess_slowly(cx, &guessed, most).await?;
        let (mut device, pending) = open(cx, &guessed).await?;
        let beyond = submit(cx, &mut device, &pending.code).await?;
        let spared = cx.account().await?;
        guess_slowly(cx, &spared, cx.parameters().account_wrong_limit).await?;
        let (mut device, pending) = open(cx, &spared).await?;
        let within = submit(cx, &mut device, &pending.code).await?;
        assert_refused(&format!("the right code after {most} wrong ones in a row"), &beyond, &within)
    }

    /// the owner gets codes working again from a trusted device
    #[check("ATT-03.owner-restores-codes", operations = [ChangePassword], moves_clock)]
    async fn owner_restores_codes(cx: &mut Context) -> CheckResult {
        let Member { mut account, mut phone } = cx.member().await?;
        guess_slowly(cx, &account, cx.parameters().account_consecutive_max).await?;
        cx.sign_in(&mut phone, &account).await?;
        let new = "restored by its owner 1".to_owned();
        let current = std::mem::replace(&mut account.password, new.clone());
        cx.prepare(&mut phone, Operation::ChangePassword { current, new }).await?;
        let (mut device, pending) = open(cx, &account).await?;
        let right = submit(cx, &mut device, &pending.code).await?;
        assert_accepted("a code after the owner changed the password on a trusted device", &right)
    }

    /// a right password between wrong codes does not give new guesses
    #[check("ATT-09.password-clears-no-code-failures")]
    async fn password_clears_no_code_failures(cx: &mut Context) -> CheckResult {
        let limit = cx.parameters().account_wrong_limit;
        let beyond = after_interlude(cx, limit, false).await?;
        let within = after_interlude(cx, limit - 1, false).await?;
        assert_refused(
            "the right code with the account's guesses spent around a right password",
            &beyond,
            &within,
        )
    }

    /// signing in to one account between guesses at another does not give new guesses
    #[check("ATT-09.success-elsewhere-clears-nothing")]
    async fn success_elsewhere_clears_nothing(cx: &mut Context) -> CheckResult {
        let limit = cx.parameters().account_wrong_limit;
        let beyond = after_interlude(cx, limit, true).await?;
        let within = after_interlude(cx, limit - 1, true).await?;
        assert_refused(
            "the right code with the account's guesses spent around a sign-in elsewhere",
            &beyond,
            &within,
        )
    }
);

/// Wrong codes, an interlude (a right password here, or a complete sign-in on another account), the last wrong code, and
/// then the right one.
async fn after_interlude(cx: &mut Context, guesses: u32, elsewhere: bool) -> Result<targets::Answer, CheckError> {
    let account = cx.account().await?;
    let (mut last, held) = open(cx, &account).await?;
    spend(cx, &account, guesses - 1).await?;
    let (mut between, pending) = if elsewhere {
        cx.member().await?;
        (last.clone(), held.clone())
    } else {
        open(cx, &account).await?
    };
    guess_wrong(cx, &mut between, &pending.code, 1).await?;
    submit(cx, &mut last, &held.code).await
}
