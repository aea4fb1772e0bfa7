//! What the password alone opens, and that without it nothing is sent.

use targets::{CredentialKind, Device, Operation, OperationKind, Outcome};

use crate::checks::steps::{answer_opens_nothing, credentials_in};
use crate::checks::trusted_device::trusted_rows;
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, all_challenged, all_refused, assert_that, describe, failed, not_tested};

checks!(
    /// nothing in the answer to a right password opens or renews a session
    #[check("SIGN-01.password-alone-opens-nothing", operations = [WhoAmI])]
    async fn password_alone_opens_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, phone } = cx.member().await?;
        let mut new = cx.device("new phone");
        let answer = cx.sign_in(&mut new, &account).await?;
        if answer.outcome == Outcome::SignedIn {
            return failed("the password alone opens a pending challenge", describe(&answer));
        }
        let names = ("a pending sign-in", "the pending answer");
        all(answer_opens_nothing(cx, names, &answer, &new, &phone).await?)
    }

    /// nothing in the answer to a right password makes a device skip the code
    #[check("SIGN-01.password-alone-is-no-trust", capabilities = [Trust])]
    async fn password_alone_is_no_trust(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut new = cx.device("new phone");
        let answer = cx.sign_in(&mut new, &account).await?;
        let mut skipped = Vec::new();
        for text in credentials_in(&answer) {
            // A device of its own each time, so that the cool-down of the first does not answer for the rest.
            let mut thief = cx.device("stranger's phone");
            cx.target
                .set_credential(&mut thief, CredentialKind::Trust, Some(text.clone()));
            let again = cx.sign_in(&mut thief, &account).await?;
            if matches!(again.outcome, Outcome::Challenged) && cx.target.offers(OperationKind::Cancel) {
                // Given up at once: otherwise the bound on live challenges would answer for the rest.
                cx.perform(&mut thief, Operation::Cancel {}).await?;
            }
            skipped.push((format!("a device that presents `{text}` of a pending answer"), again));
        }
        let own = cx.sign_in(&mut phone, &account).await?;
        all_challenged(&skipped, &own)
    }

    /// a pending sign-in adds no trusted device; the code does
    #[check("SIGN-01.password-alone-adds-no-device", operations = [ListDevices], capabilities = [Trust])]
    async fn password_alone_adds_no_device(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut new = cx.device("new phone");
        let before = trusted_rows(cx, &mut phone).await?;
        let pending = cx.challenged(&mut new, &account).await?;
        let between = trusted_rows(cx, &mut phone).await?;
        cx.prepare(&mut new, Operation::Verify { code: pending.code }).await?;
        let after = trusted_rows(cx, &mut phone).await?;
        let proof = assert_that(
            "a pending sign-in adds no trusted device",
            between == before,
            format!("{before} devices became {between}"),
        )?;
        if after == before {
            return not_tested("the list did not grow with a verified device either");
        }
        Ok(proof)
    }

    /// wrong passwords, for known and unknown accounts, send no code to anybody
    #[check("SIGN-02.wrong-password-sends-nothing")]
    async fn wrong_password_sends_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let known = cx.account().await?;
        let nobody = known.with_email(known.email.replace('@', "-nobody@"));
        let cursor = cx.cursor();
        let mut tries = Vec::new();
        for owner in [&account, &known, &nobody] {
            for password in ["not the password 1", "", "123456"] {
                let mut device = cx.device("stranger's phone");
                let answer = cx.sign_in(&mut device, &owner.with_password(password)).await?;
                tries.push(("a sign-in with a wrong password", answer));
            }
        }
        let came = cx.settled(cursor).await?;
        if let Some(message) = came.first() {
            return failed(
                "no code is sent before the password was right",
                format!("{} codes came, the first by {:?}", came.len(), message.channel),
            );
        }
        let mut device = cx.device("new phone");
        let right = cx.challenged(&mut device, &account).await?;
        all_refused(&tries, &right.answer)
    }

    /// a wrong password leaves no pending challenge; the right one does
    #[check("SIGN-02.wrong-password-opens-no-challenge", operations = [ListChallenges])]
    async fn wrong_password_opens_no_challenge(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut stranger = cx.device("stranger's phone");
        cx.sign_in(&mut stranger, &account.with_password("not the password 1"))
            .await?;
        let wrong = pending_rows(cx, &mut phone).await?;
        let mut new = cx.device("new phone");
        cx.challenged(&mut new, &account).await?;
        let right = pending_rows(cx, &mut phone).await?;
        let proof = assert_that(
            "no challenge is pending after a wrong password",
            wrong == 0,
            format!("{wrong} are pending"),
        )?;
        if right != 1 {
            return not_tested(format!("after the right password the list told of {right} challenges"));
        }
        Ok(proof)
    }
);

async fn pending_rows(cx: &mut Context, phone: &mut Device) -> Result<usize, CheckError> {
    let list = cx.prepare(phone, Operation::ListChallenges {}).await?;
    Ok(list.facts.challenges.unwrap_or_default().len())
}
