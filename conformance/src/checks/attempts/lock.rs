//! How a limit ends, and what it tells.

use std::time::Duration;

use targets::{Answer, Operation};

use super::spend;
use crate::checks::steps::{guess_wrong, open, submit};
use crate::context::{Account, Context};
use crate::proof::{CheckError, CheckResult, all, assert_accepted, assert_refused, assert_that, describe, failed};

checks!(
    /// a lock holds for all of its declared time, and a right code works when it is over whatever was tried meanwhile
    #[check("ATT-07.lock-holds-and-ends", moves_clock)]
    async fn lock_holds_and_ends(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let limit = cx.parameters().account_wrong_limit;
        let quarter = Duration::from_secs(cx.parameters().lock_s / 4);
        spend(cx, &account, limit).await?;
        let mut during = Vec::new();
        for _ in 0..3 {
            cx.advance(quarter).await?;
            if let Some(answer) = try_in(cx, &account).await? {
                during.push(answer);
            }
        }
        cx.advance(quarter + Duration::from_secs(1)).await?;
        let after = try_in(cx, &account).await?;
        let Some(after) = after else {
            return failed(
                "a challenge can be opened once the lock is over",
                "the right password was refused",
            );
        };
        let proof = assert_accepted("the right code once the lock is over", &after)?;
        if during.is_empty() {
            return Ok(proof);
        }
        Ok(proof.and(all(during
            .iter()
            .map(|answer| assert_refused("the right code during the lock", answer, &after)))?))
    }

    /// The right code on a new challenge; nothing where no challenge is given out.
    async fn try_in(cx: &mut Context, account: &Account) -> Result<Option<Answer>, CheckError> {
        match open(cx, account).await {
            Ok((mut device, pending)) => submit(cx, &mut device, &pending.code).await.map(Some),
            Err(CheckError::NotTested(_)) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    /// guesses right before and right after a window's edge stay within one and a half limits
    #[check("ATT-07.window-edge-gives-no-double-burst", moves_clock)]
    async fn window_edge_gives_no_double_burst(cx: &mut Context) -> CheckResult {
        let limit = cx.parameters().account_wrong_limit;
        let burst = limit.saturating_sub(2);
        let doubled = around_the_edge(cx, burst, burst).await?;
        let single = around_the_edge(cx, burst, 0).await?;
        assert_refused(
            &format!("the right code after {} wrong ones around the edge of a window", 2 * burst),
            &doubled,
            &single,
        )
    }

    /// One wrong code opens the window; so many come right before its end, so many right after it, and then the right one.
    async fn around_the_edge(cx: &mut Context, before: u32, after: u32) -> Result<Answer, CheckError> {
        let account = cx.account().await?;
        // More than a slow machine takes for the guesses, and well within the life of the code that is held.
        let edge = Duration::from_secs((cx.parameters().code_ttl_s / 5).clamp(1, 60));
        spend(cx, &account, 1).await?;
        cx.advance(Duration::from_secs(cx.parameters().window_s) - edge).await?;
        spend(cx, &account, before).await?;
        let (mut last, held) = open(cx, &account).await?;
        cx.advance(edge * 2).await?;
        if after > 0 {
            spend(cx, &account, after).await?;
        }
        submit(cx, &mut last, &held.code).await
    }

    /// an exhausted challenge answers the right and a wrong code alike
    #[check("ATT-08.exhausted-answers-alike")]
    async fn exhausted_answers_alike(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        let cap = cx.parameters().attempts_per_challenge;
        guess_wrong(cx, &mut device, &pending.code, cap).await?;
        alike(cx, &mut device, &pending, cap).await
    }

    /// a locked account answers the right and a wrong code alike
    #[check("ATT-08.locked-answers-alike")]
    async fn locked_answers_alike(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        spend(cx, &account, cx.parameters().account_wrong_limit).await?;
        alike(cx, &mut device, &pending, 0).await
    }
);

/// A wrong code, the right one, and a wrong one again, told apart by nothing.
async fn alike(cx: &mut Context, device: &mut targets::Device, pending: &crate::context::Pending, nth: u32) -> CheckResult {
    let wrong = cx.target.wrong_code(&pending.code, nth);
    let before = cx.perform(&mut device.clone(), Operation::Verify { code: wrong }).await?;
    let right = submit(cx, &mut device.clone(), &pending.code).await?;
    let wrong = cx.target.wrong_code(&pending.code, nth + 1);
    let after = cx.perform(device, Operation::Verify { code: wrong }).await?;
    if right.accepted() {
        return failed("the right code is refused like a wrong one", describe(&right));
    }
    if shown(&before) != shown(&after) {
        return Err(CheckError::Inconclusive(
            "two wrong codes are answered differently already".to_owned(),
        ));
    }
    assert_that(
        "the right code is answered like a wrong one in status, headers and body",
        shown(&right) == shown(&before),
        format!("wrong {:?}, right {:?}", shown(&before), shown(&right)),
    )
}

/// What a caller can tell an answer by, the moment aside.
fn shown(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let Some(exchange) = answer.last() else {
        return (0, Vec::new(), String::new());
    };
    let momentary = ["date", "retry-after", "x-request-id"];
    let mut headers: Vec<_> = exchange
        .response_headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| !momentary.contains(&name.as_str()))
        .collect();
    headers.sort();
    (exchange.status, headers, exchange.text())
}
