//! A code dies at its declared lifetime, a challenge at its hard limit, and nothing the holder does moves either.

use targets::{Device, Exchange, Operation, OperationKind};

use crate::checks::steps::{Drift, cool_down, margin_s, nothing_sent, open, resend, submit, wait_s, with_handle};
use crate::context::{Account, Context, Member, Pending};
use crate::proof::{CheckError, CheckResult, all, assert_refused, assert_that, assert_two_sided, describe, not_tested};

checks!(
    /// a code is accepted just before the end of its declared lifetime and refused just after
    #[check("LIFE-01.code-dies-at-its-lifetime", moves_clock)]
    async fn code_dies_at_its_lifetime(cx: &mut Context) -> CheckResult {
        let (early, late) = (cx.account().await?, cx.account().await?);
        dies_at_its_lifetime(cx, &early, &late).await
    }

    /// a code sent by push is accepted just before the end of its declared lifetime and refused just after
    #[check("LIFE-01.pushed-code-dies-at-its-lifetime", capabilities = [Push], moves_clock)]
    async fn pushed_code_dies_at_its_lifetime(cx: &mut Context) -> CheckResult {
        let (early, late) = (cx.member().await?.account, cx.member().await?.account);
        dies_at_its_lifetime(cx, &early, &late).await
    }

    async fn dies_at_its_lifetime(cx: &mut Context, early: &Account, late: &Account) -> CheckResult {
        let ttl = cx.parameters().code_ttl_s;
        let margin = margin_s(ttl);
        let drift = Drift::start(cx);
        let (mut before, within) = open(cx, early).await?;
        let (mut after, beyond) = open(cx, late).await?;
        wait_s(cx, ttl.saturating_sub(margin)).await?;
        let good = submit(cx, &mut before, &within.code).await?;
        drift.within(cx, margin)?;
        wait_s(cx, margin + 1).await?;
        let bad = submit(cx, &mut after, &beyond.code).await?;
        assert_two_sided(
            &format!("the code {} s after it was issued", ttl + 1),
            &bad,
            &format!("the code {margin} s before its declared end"),
            &good,
        )
    }

    /// a code is refused after ten minutes, whatever lifetime is declared
    #[check("LIFE-01.ten-minutes-are-the-most", moves_clock)]
    async fn ten_minutes_are_the_most(cx: &mut Context) -> CheckResult {
        let (old, new) = (cx.account().await?, cx.account().await?);
        let (mut device, pending) = open(cx, &old).await?;
        wait_s(cx, 601).await?;
        let bad = submit(cx, &mut device, &pending.code).await?;
        let (mut device, pending) = open(cx, &new).await?;
        let good = submit(cx, &mut device, &pending.code).await?;
        assert_refused("a code more than ten minutes old", &bad, &good)
    }

    /// wrong guesses and looks at the challenge do not make its code live longer
    #[check("LIFE-02.nothing-extends-a-code", moves_clock)]
    async fn nothing_extends_a_code(cx: &mut Context) -> CheckResult {
        let (old, new) = (cx.account().await?, cx.account().await?);
        let ttl = cx.parameters().code_ttl_s;
        let guesses = cx.parameters().attempts_per_challenge;
        let (mut device, pending) = open(cx, &old).await?;
        for nth in 0..3u32 {
            wait_s(cx, ttl / 3).await?;
            // The last guess is for the right code; the third third is over before it.
            if nth < 2 && nth + 1 < guesses {
                let code = cx.target.wrong_code(&pending.code, nth);
                submit(cx, &mut device, &code).await?;
            }
            if cx.target.offers(OperationKind::ReadChallenge) {
                cx.perform(&mut device.clone(), Operation::ReadChallenge {}).await?;
            }
        }
        wait_s(cx, ttl % 3 + 1).await?;
        let bad = submit(cx, &mut device, &pending.code).await?;
        let (mut fresh, twin) = open(cx, &new).await?;
        let good = submit(cx, &mut fresh, &twin.code).await?;
        assert_refused(
            "the code after its lifetime, guessed at and looked at all the while",
            &bad,
            &good,
        )
    }

    /// however often the code is sent again, the challenge ends at its declared limit
    #[check("LIFE-02.challenge-ends-at-its-limit", operations = [Resend], moves_clock)]
    async fn challenge_ends_at_its_limit(cx: &mut Context) -> CheckResult {
        let (ttl, limit) = (cx.parameters().code_ttl_s, cx.challenge_max_s());
        let margin = margin_s(ttl);
        let (early, late) = (cx.account().await?, cx.account().await?);
        let drift = Drift::start(cx);
        let (mut before, mut within) = open(cx, &early).await?;
        let (mut after, mut beyond) = open(cx, &late).await?;
        // Sent again just before each code lapses, until a code would outlive the limit.
        let stride = ttl.saturating_sub(margin).max(1);
        let (mut elapsed, mut sends) = (0, 1);
        let cooldown = cx.parameters().resend_cooldown_s;
        while elapsed + ttl <= limit + margin {
            sends += 1;
            if sends > cx.parameters().sends_per_challenge {
                return not_tested("the sends of a challenge are spent before its limit");
            }
            // `resend` waits out the cool-down itself, once for each of the two.
            wait_s(cx, stride.saturating_sub(2 * cooldown)).await?;
            within = again(cx, &mut before, &early, &within).await?;
            beyond = again(cx, &mut after, &late, &beyond).await?;
            elapsed += stride.max(2 * cooldown);
        }
        wait_s(cx, limit.saturating_sub(elapsed + margin)).await?;
        let good = submit(cx, &mut before, &within.code).await?;
        drift.within(cx, margin)?;
        wait_s(cx, margin + 1).await?;
        let bad = submit(cx, &mut after, &beyond.code).await?;
        assert_two_sided(
            &format!("the newest code {} s after the challenge was opened", limit + 1),
            &bad,
            &format!("the newest code {margin} s before the declared limit of the challenge"),
            &good,
        )
    }

    /// Sent again; a target that repeats its code must not let it live longer, so that there is nothing to submit at the limit.
    async fn again(cx: &mut Context, device: &mut Device, account: &Account, before: &Pending) -> Result<Pending, CheckError> {
        let resent = resend(cx, device, account).await?;
        if resent.code == before.code {
            return not_tested("the same code is sent again, and lapses long before the limit of its challenge");
        }
        Ok(resent)
    }

    /// a resend after the limit sends nothing and is refused like one with an unknown handle
    #[check("LIFE-02.resend-revives-nothing", operations = [Resend], moves_clock)]
    async fn resend_revives_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let (mut device, _) = open(cx, &account).await?;
        let limit = cx.challenge_max_s();
        wait_s(cx, limit + 1).await?;
        let cursor = cx.cursor();
        let late = cx.perform(&mut device, Operation::Resend {}).await?;
        let mut stranger = with_handle(cx, Some("no-such-handle".to_owned()));
        let unknown = cx.perform(&mut stranger, Operation::Resend {}).await?;
        nothing_sent(cx, cursor, &account, "a resend after the limit sends nothing").await?;
        let (mut fresh, _) = open(cx, &account).await?;
        cool_down(cx).await?;
        let twin = cx.perform(&mut fresh, Operation::Resend {}).await?;
        all([
            assert_refused(
                &format!("a resend {} s after the challenge was opened", limit + 1),
                &late,
                &twin,
            ),
            assert_that(
                "a resend after the limit is refused like one with an unknown handle",
                late.outcome == unknown.outcome && late.last().map(face) == unknown.last().map(face),
                format!("{}; with an unknown handle {}", describe(&late), describe(&unknown)),
            ),
        ])
    }
);

/// What a client sees of a refusal.
fn face(exchange: &Exchange) -> (u16, String) {
    (exchange.status, exchange.text())
}
