//! Step two belongs to whoever holds the handle that step one returned.

use targets::{Channel, Device, Operation, RequestMutation};

use crate::checks::steps::{cool_down, field, handle_of, nothing_sent, open, submit, with_handle};
use crate::context::{Account, Context, Member};
use crate::proof::{CheckError, CheckResult, all, all_challenged, all_refused, assert_refused};

checks!(
    /// a resend without the handle is refused and sends nothing
    #[check("SIGN-03.resend-needs-the-handle", operations = [Resend], moves_clock)]
    async fn resend_needs_the_handle(cx: &mut Context) -> CheckResult {
        sending_needs_the_handle(cx, Operation::Resend {}).await
    }

    /// a switch to email without the handle is refused and sends nothing
    #[check("SIGN-03.switch-needs-the-handle", operations = [SwitchMethod], capabilities = [Email], moves_clock)]
    async fn switch_needs_the_handle(cx: &mut Context) -> CheckResult {
        sending_needs_the_handle(cx, Operation::SwitchMethod { method: Channel::Email }).await
    }

    /// Requests without the handle: with none, an empty one, altered ones, another account's, and with the account's name beside.
    async fn handleless(
        cx: &mut Context,
        held: &Device,
        account: &Account,
    ) -> Result<Vec<(&'static str, Device, Vec<RequestMutation>)>, CheckError> {
        let handle = handle_of(cx, held);
        let other = cx.account().await?;
        let (stranger, _) = open(cx, &other).await?;
        let foreign = handle_of(cx, &stranger);
        let reversed: String = handle.chars().rev().collect();
        let named = |name: &str| field(name, account.email.clone());
        let names = vec![named("email"), named("account"), named("username")];
        Ok(vec![
            ("no handle", with_handle(cx, None), vec![]),
            ("an empty handle", with_handle(cx, Some(String::new())), vec![]),
            ("a guessed handle", with_handle(cx, Some(reversed)), vec![]),
            ("another account's handle", with_handle(cx, Some(foreign)), vec![]),
            (
                "the account's name for a handle",
                with_handle(cx, Some(account.email.clone())),
                vec![],
            ),
            (
                "the account's email beside the code",
                with_handle(cx, None),
                vec![named("email")],
            ),
            ("the account's name in every field", with_handle(cx, None), names),
        ])
    }

    /// the right code is refused without its handle, whatever account the request names
    #[check("SIGN-03.code-alone-is-not-enough")]
    async fn code_alone_is_not_enough(cx: &mut Context) -> CheckResult {
        let account = cx.account().await?;
        let (mut new, pending) = open(cx, &account).await?;
        let mut tries = Vec::new();
        for (what, mut device, mutations) in handleless(cx, &new, &account).await? {
            let code = pending.code.clone();
            let answer = cx.perform_with(&mut device, Operation::Verify { code }, &mutations).await?;
            tries.push((format!("the right code with {what}"), answer));
        }
        let right = submit(cx, &mut new, &pending.code).await?;
        all_refused(&tries, &right)
    }

    async fn sending_needs_the_handle(cx: &mut Context, how: Operation) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let (mut new, _) = open(cx, &account).await?;
        let devices = handleless(cx, &new, &account).await?;
        cool_down(cx).await?;
        let cursor = cx.cursor();
        let mut tries = Vec::new();
        for (what, mut device, mutations) in devices.into_iter().filter(|(what, ..)| *what != "another account's handle") {
            let answer = cx.perform_with(&mut device, how.clone(), &mutations).await?;
            tries.push((format!("{} with {what}", how.kind()), answer));
        }
        nothing_sent(cx, cursor, &account, "nothing is sent without the handle").await?;
        let right = cx.perform(&mut new, how.clone()).await?;
        all_refused(&tries, &right)
    }

    /// What a client may claim about the step.
    fn claims() -> Vec<RequestMutation> {
        vec![
            field("step", "complete"),
            field("step", 2),
            field("status", "verified"),
            field("verified", true),
        ]
    }

    /// a sign-in that claims to be complete is asked for its code all the same
    #[check("SIGN-03.step-cannot-be-claimed", capabilities = [Trust])]
    async fn step_cannot_be_claimed(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut tries = Vec::new();
        for claim in claims() {
            let mut device = cx.device("stranger's phone");
            let what = format!("a sign-in with {claim:?}");
            tries.push((what, cx.perform_with(&mut device, account.sign_in(), &[claim]).await?));
        }
        let own = cx.sign_in(&mut phone, &account).await?;
        all_challenged(&tries, &own)
    }

    /// a wrong code is refused although the request claims that the step is complete
    #[check("SIGN-03.wrong-code-cannot-be-claimed-right")]
    async fn wrong_code_cannot_be_claimed_right(cx: &mut Context) -> CheckResult {
        let mut results = Vec::new();
        for claim in claims() {
            let account = cx.account().await?;
            let (mut new, pending) = open(cx, &account).await?;
            let code = cx.target.wrong_code(&pending.code, 0);
            let what = format!("a wrong code with {claim:?}");
            let verify = Operation::Verify { code };
            let wrong = cx.perform_with(&mut new.clone(), verify, &[claim]).await?;
            let right = submit(cx, &mut new, &pending.code).await?;
            results.push(assert_refused(&what, &wrong, &right));
        }
        all(results)
    }
);
