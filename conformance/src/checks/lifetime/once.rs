//! A code is accepted once and consumes its challenge; a wrong guess consumes nothing but itself.

use targets::{Answer, Operation};

use crate::checks::steps::{Drift, cool_down, guess_wrong, nothing_sent, open, submit, ways_to_send};
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, assert_accepted, assert_refused, not_tested};

checks!(
    /// a code that was accepted is refused on its own handle, from the same and from another device
    #[check("LIFE-03.code-works-once")]
    async fn code_works_once(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (pending_device, pending) = open(cx, &account).await?;
        let mut signed_in = pending_device.clone();
        let first = submit(cx, &mut signed_in, &pending.code).await?;
        // Once as it was before, once as it is now, and once from elsewhere with the handle alone.
        let mut elsewhere = pending_device.clone();
        elsewhere.source = cx.device("stranger's phone").source;
        let again = submit(cx, &mut pending_device.clone(), &pending.code).await?;
        let later = submit(cx, &mut signed_in, &pending.code).await?;
        let stolen = submit(cx, &mut elsewhere, &pending.code).await?;
        all([
            assert_refused("a spent code on its own handle", &again, &first),
            assert_refused("a spent code on the device that used it", &later, &first),
            assert_refused("a spent code from another device", &stolen, &first),
        ])
    }

    /// a code that was accepted is refused after its session has ended
    #[check("LIFE-03.code-stays-spent-after-sign-out", operations = [SignOut])]
    async fn code_stays_spent_after_sign_out(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (pending_device, pending) = open(cx, &account).await?;
        let mut signed_in = pending_device.clone();
        let first = submit(cx, &mut signed_in, &pending.code).await?;
        if first.accepted() {
            cx.prepare(&mut signed_in, Operation::SignOut {}).await?;
        }
        let again = submit(cx, &mut pending_device.clone(), &pending.code).await?;
        assert_refused("a spent code after its session was signed out", &again, &first)
    }

    /// a code that was accepted opens no later challenge of the account
    #[check("LIFE-03.spent-code-opens-no-other-challenge")]
    async fn spent_code_opens_no_other_challenge(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut first, spent) = open(cx, &account).await?;
        let code = spent.code.clone();
        cx.prepare(&mut first, Operation::Verify { code }).await?;
        let (mut second, pending) = open(cx, &account).await?;
        if pending.code == spent.code {
            return not_tested("the same code was drawn twice");
        }
        let bad = submit(cx, &mut second.clone(), &spent.code).await?;
        let good = submit(cx, &mut second, &pending.code).await?;
        assert_refused("a spent code on a later challenge", &bad, &good)
    }

    /// after its code was accepted nothing more is sent for a challenge
    #[check("LIFE-03.success-ends-the-challenge", operations = [Resend], moves_clock)]
    async fn success_ends_the_challenge(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let (used, pending) = open(cx, &account).await?;
        let (waiting, _) = open(cx, &account).await?;
        let verify = Operation::Verify { code: pending.code };
        cx.prepare(&mut used.clone(), verify).await?;
        let mut tries: Vec<(Answer, Answer)> = Vec::new();
        for way in ways_to_send(cx) {
            cool_down(cx).await?;
            let cursor = cx.cursor();
            let spent = cx.perform(&mut used.clone(), way.clone()).await?;
            nothing_sent(cx, cursor, &account, "nothing is sent for a challenge that was completed").await?;
            let live = cx.perform(&mut waiting.clone(), way).await?;
            tries.push((spent, live));
        }
        all(tries.iter().map(|(spent, live)| {
            let what = format!("{} on a challenge that was completed", spent.operation);
            assert_refused(&what, spent, live)
        }))
    }

    /// one guess below the cap the right code is still accepted
    #[check("LIFE-04.wrong-guesses-keep-the-code")]
    async fn wrong_guesses_keep_the_code(cx: &mut Context) -> CheckResult {
        let cap = cx.parameters().attempts_per_challenge;
        if cap < 2 {
            return Err(CheckError::NotApplicable(
                "a challenge takes one guess by declaration".to_owned(),
            ));
        }
        let account = cx.account().await?;
        let drift = Drift::start(cx);
        let (mut device, pending) = open(cx, &account).await?;
        guess_wrong(cx, &mut device, &pending.code, cap - 1).await?;
        let right = submit(cx, &mut device, &pending.code).await?;
        drift.within_lifetime(cx)?;
        assert_accepted(&format!("the right code after {} wrong ones", cap - 1), &right)
    }
);
