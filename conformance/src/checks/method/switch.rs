//! What a switch to email does to the code, the guesses and the sends, and that email is no weaker way.

use targets::{Answer, Channel, Device, Operation, OperationKind};

use crate::checks::steps::{Drift, cool_down, guess_wrong, margin_s, nothing_sent, open, submit, switch_to_email, wait_s};
use crate::context::{Context, Member, Pending};
use crate::proof::{CheckError, CheckResult, all, assert_refused, assert_that, assert_two_sided, not_tested};

checks!(
    /// A challenge by push that was switched to email: the pushed code, and what the mail brought.
    struct Switched {
        device: Device,
        pushed: String,
        mailed: Pending,
    }

    async fn switched(cx: &mut Context, guesses_before: u32) -> Result<Switched, CheckError> {
        let Member { account, .. } = cx.member().await?;
        let (mut device, pending) = open(cx, &account).await?;
        if pending.method != Channel::Push {
            return not_tested(format!("the first code came by {:?}, not by push", pending.method));
        }
        guess_wrong(cx, &mut device, &pending.code, guesses_before).await?;
        let mailed = switch_to_email(cx, &mut device, &account).await?;
        if mailed.code == pending.code {
            return not_tested("the code is the same by both methods");
        }
        Ok(Switched {
            device,
            pushed: pending.code,
            mailed,
        })
    }

    /// after a switch to email the pushed code is refused and the mailed one accepted
    #[check("METH-04.switch-voids-the-pushed-code", operations = [SwitchMethod], capabilities = [Push, Email], moves_clock)]
    async fn switch_voids_the_pushed_code(cx: &mut Context) -> CheckResult {
        let Switched {
            mut device,
            pushed,
            mailed,
        } = switched(cx, 0).await?;
        let old = submit(cx, &mut device.clone(), &pushed).await?;
        let new = submit(cx, &mut device, &mailed.code).await?;
        assert_refused("the pushed code after a switch to email", &old, &new)
    }

    /// a switch to email gives no new guesses
    #[check("METH-04.switch-keeps-the-guesses", operations = [SwitchMethod], capabilities = [Push, Email], moves_clock)]
    async fn switch_keeps_the_guesses(cx: &mut Context) -> CheckResult {
        let cap = cx.parameters().attempts_per_challenge;
        let spent = after_guess_switch_guess(cx, cap - 1, 1).await?;
        let left = after_guess_switch_guess(cx, cap - 1, 0).await?;
        assert_two_sided(
            &format!(
                "the mailed code after {} wrong guesses before the switch and one after",
                cap - 1
            ),
            &spent,
            "the mailed code as the last guess of its challenge",
            &left,
        )
    }

    /// The mailed code after so many wrong guesses before the switch and so many after.
    async fn after_guess_switch_guess(cx: &mut Context, before: u32, after: u32) -> Result<Answer, CheckError> {
        let Switched { mut device, mailed, .. } = switched(cx, before).await?;
        guess_wrong(cx, &mut device, &mailed.code, after).await?;
        submit(cx, &mut device, &mailed.code).await
    }

    /// a switch to email counts as a send, and is refused when the sends are spent
    #[check("METH-04.switch-is-a-send", operations = [SwitchMethod, Resend], capabilities = [Push, Email], moves_clock)]
    async fn switch_is_a_send(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let cap = cx.parameters().sends_per_challenge;
        let switch = Operation::SwitchMethod { method: Channel::Email };
        let (mut device, _) = open(cx, &account).await?;
        let mut twin = None;
        for sent in 1..cap {
            cool_down(cx).await?;
            // The last send that is left is a switch itself: the twin of the one beyond.
            let last = sent + 1 == cap;
            let way = if last { switch.clone() } else { Operation::Resend {} };
            let answer = cx.prepare(&mut device, way).await?;
            twin = last.then_some(answer);
        }
        let twin =
            twin.ok_or_else(|| CheckError::NotTested("a challenge has one send, so that no switch is within it".to_owned()))?;
        cool_down(cx).await?;
        let cursor = cx.cursor();
        let beyond = cx.perform(&mut device, switch).await?;
        nothing_sent(cx, cursor, &account, "a switch beyond the sends of a challenge sends nothing").await?;
        assert_refused(&format!("a switch after {cap} sends"), &beyond, &twin)
    }

    /// a code sent by email lives as long as is declared for all, and no longer
    #[check(
        "METH-06.mailed-code-dies-in-time",
        operations = [SwitchMethod],
        capabilities = [Push, Email],
        profiles = [Faq, Asvs],
        moves_clock
    )]
    async fn mailed_code_dies_in_time(cx: &mut Context) -> CheckResult {
        let ttl = cx.parameters().code_ttl_s;
        let margin = margin_s(ttl);
        let mut early = switched(cx, 0).await?;
        let drift = Drift::start(cx);
        // The cool-down before the second switch is part of the first code's lifetime.
        let gone = cx.parameters().resend_cooldown_s;
        let mut late = switched(cx, 0).await?;
        wait_s(cx, ttl.saturating_sub(gone + margin)).await?;
        let good = submit(cx, &mut early.device, &early.mailed.code).await?;
        drift.within(cx, margin)?;
        wait_s(cx, gone + margin + 1).await?;
        let bad = submit(cx, &mut late.device, &late.mailed.code).await?;
        assert_two_sided(
            "a mailed code just after its lifetime",
            &bad,
            "a mailed code just before its end",
            &good,
        )
    }

    /// guesses at a code sent by email are limited like those at a pushed one
    #[check(
        "METH-06.mailed-code-takes-as-few-guesses",
        operations = [SwitchMethod],
        capabilities = [Push, Email],
        profiles = [Faq, Asvs],
        moves_clock
    )]
    async fn mailed_code_takes_as_few_guesses(cx: &mut Context) -> CheckResult {
        let cap = cx.parameters().attempts_per_challenge;
        let beyond = after_guess_switch_guess(cx, 0, cap).await?;
        let within = after_guess_switch_guess(cx, 0, cap - 1).await?;
        assert_two_sided(
            &format!("the mailed code after {cap} wrong guesses"),
            &beyond,
            &format!("the mailed code as guess {cap} of {cap}"),
            &within,
        )
    }

    /// a code sent by email is good for its own challenge only
    #[check(
        "METH-06.mailed-code-is-bound",
        operations = [SwitchMethod],
        capabilities = [Push, Email, CodePerChallenge],
        profiles = [Faq, Asvs],
        moves_clock
    )]
    async fn mailed_code_is_bound(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let (mut first, _) = open(cx, &account).await?;
        let (mut second, _) = open(cx, &account).await?;
        let of_first = switch_to_email(cx, &mut first, &account).await?;
        let of_second = switch_to_email(cx, &mut second, &account).await?;
        let first_on_second = submit(cx, &mut second.clone(), &of_first.code).await?;
        let second_on_first = submit(cx, &mut first.clone(), &of_second.code).await?;
        let second_on_second = submit(cx, &mut second, &of_second.code).await?;
        let first_on_first = submit(cx, &mut first, &of_first.code).await?;
        all([
            assert_refused(
                "an earlier challenge's mailed code on a later one",
                &first_on_second,
                &second_on_second,
            ),
            assert_refused(
                "a later challenge's mailed code on an earlier one",
                &second_on_first,
                &first_on_first,
            ),
        ])
    }

    /// no code travels by email, neither at once nor after a switch
    #[check("METH-06.no-code-by-email", profiles = [Nist], moves_clock)]
    async fn no_code_by_email(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let cursor = cx.cursor();
        let (mut device, _) = open(cx, &account).await?;
        if cx.target.offers(OperationKind::SwitchMethod) {
            cool_down(cx).await?;
            let switch = Operation::SwitchMethod { method: Channel::Email };
            cx.perform(&mut device, switch).await?;
        }
        let came = cx.settled_for(cursor, &account).await?;
        let mailed = came.iter().filter(|message| message.channel == Channel::Email).count();
        assert_that("no code travels by email", mailed == 0, format!("{mailed} did"))
    }
);
