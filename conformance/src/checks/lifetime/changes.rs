//! A change of the account's security ends what was pending under the state before.

use targets::{Answer, Operation};

use crate::checks::steps::{cool_down, open, submit, ways_to_send};
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, assert_refused};

checks!(
    /// a pending code is refused once the owner has changed the password
    #[check("LIFE-05.password-change-ends-challenges", operations = [ChangePassword])]
    async fn password_change_ends_challenges(cx: &mut Context) -> CheckResult {
        code_after(cx, Change::Password).await
    }

    /// a pending code is refused once the password was reset by mail
    #[check("LIFE-05.reset-ends-challenges", operations = [RequestReset, CompleteReset])]
    async fn reset_ends_challenges(cx: &mut Context) -> CheckResult {
        code_after(cx, Change::Reset).await
    }

    /// a pending code is refused once two-step verification was switched off
    #[check("LIFE-05.switching-off-ends-challenges", operations = [SetTwoStep])]
    async fn switching_off_ends_challenges(cx: &mut Context) -> CheckResult {
        code_after(cx, Change::Off).await
    }

    /// a pending code is refused once two-step verification was switched off and on again
    #[check("LIFE-05.switching-off-and-on-ends-challenges", operations = [SetTwoStep])]
    async fn switching_off_and_on_ends_challenges(cx: &mut Context) -> CheckResult {
        code_after(cx, Change::OffAndOn).await
    }

    /// a pending challenge sends no more codes once the owner has changed the password
    #[check("LIFE-05.password-change-ends-resends", operations = [ChangePassword, Resend], moves_clock)]
    async fn password_change_ends_resends(cx: &mut Context) -> CheckResult {
        sends_after(cx, Change::Password).await
    }

    /// a pending challenge sends no more codes once the password was reset by mail
    #[check("LIFE-05.reset-ends-resends", operations = [RequestReset, CompleteReset, Resend], moves_clock)]
    async fn reset_ends_resends(cx: &mut Context) -> CheckResult {
        sends_after(cx, Change::Reset).await
    }

    /// a pending challenge sends no more codes once two-step verification was switched off
    #[check("LIFE-05.switching-off-ends-resends", operations = [SetTwoStep, Resend], moves_clock)]
    async fn switching_off_ends_resends(cx: &mut Context) -> CheckResult {
        sends_after(cx, Change::Off).await
    }
);

/// What changes under a pending challenge.
#[derive(Clone, Copy, Debug)]
enum Change {
    Password,
    Reset,
    Off,
    OffAndOn,
}

impl Change {
    fn words(self) -> &'static str {
        match self {
            Change::Password => "the password was changed",
            Change::Reset => "the password was reset",
            Change::Off => "two-step verification was switched off",
            Change::OffAndOn => "two-step verification was switched off and on",
        }
    }

    /// Makes the change, from the owner's trusted phone or by the owner's mailbox.
    async fn make(self, cx: &mut Context, owner: &mut Member) -> Result<(), CheckError> {
        let Member { account, phone } = owner;
        let new = format!("{}-new", account.password);
        match self {
            Change::Password => {
                let current = account.password.clone();
                cx.prepare(phone, Operation::ChangePassword { current, new }).await?;
            }
            Change::Reset => {
                let token = cx.reset_token(phone, account).await?;
                cx.prepare(phone, Operation::CompleteReset { token, new }).await?;
            }
            Change::Off | Change::OffAndOn => {
                cx.prepare(phone, account.set_two_step(false)).await?;
                if matches!(self, Change::OffAndOn) {
                    cx.prepare(phone, account.set_two_step(true)).await?;
                }
            }
        }
        Ok(())
    }
}

async fn code_after(cx: &mut Context, change: Change) -> CheckResult {
    let mut changing = cx.member().await?;
    let staying = cx.member().await?;
    let (mut before, pending) = open(cx, &changing.account).await?;
    let (mut beside, twin) = open(cx, &staying.account).await?;
    change.make(cx, &mut changing).await?;
    let bad = submit(cx, &mut before, &pending.code).await?;
    let good = submit(cx, &mut beside, &twin.code).await?;
    assert_refused(&format!("a code from before {}", change.words()), &bad, &good)
}

async fn sends_after(cx: &mut Context, change: Change) -> CheckResult {
    let mut changing = cx.member().await?;
    let staying = cx.member().await?;
    let (mut before, _) = open(cx, &changing.account).await?;
    let (mut beside, _) = open(cx, &staying.account).await?;
    change.make(cx, &mut changing).await?;
    let mut tries: Vec<(Answer, Answer)> = Vec::new();
    for way in ways_to_send(cx) {
        cool_down(cx).await?;
        let bad = cx.perform(&mut before, way.clone()).await?;
        let good = cx.perform(&mut beside, way).await?;
        tries.push((bad, good));
    }
    all(tries.iter().map(|(bad, good)| {
        let what = format!("{} on a challenge from before {}", bad.operation, change.words());
        assert_refused(&what, bad, good)
    }))
}
