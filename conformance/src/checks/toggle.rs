//! The setting: on by default, off only with a fresh proof of the password, and on again means on for everybody.

use std::time::Duration;

use targets::{Answer, Capability, CredentialKind, Device, Operation, OperationKind, Outcome};

use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, assert_refused, assert_that, describe, downgrade, failed};

checks!(
    /// a new account, its setting never touched, asks its first device for a code
    #[check("TOGL-01.new-accounts-ask-for-a-code", operations = [CreateAccount])]
    async fn new_accounts_ask_for_a_code(cx: &mut Context) -> CheckResult {
        let account = cx.untouched_account().await?;
        let mut first = cx.device("first phone");
        let answer = cx.sign_in(&mut first, &account).await?;
        assert_that(
            "a new account asks its first device for a code",
            answer.outcome == Outcome::Challenged,
            describe(&answer),
        )
    }

    /// switching off with a session but no proof of the password is refused
    #[check("TOGL-02.session-alone-is-not-enough", operations = [SetTwoStep])]
    async fn session_alone_is_not_enough(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let bare = switch(cx, &mut phone, false, None).await?;
        let proven = switch(cx, &mut phone, false, Some(&account.password)).await?;
        assert_refused("switching off with a session alone", &bare, &proven)
    }

    /// switching off with a wrong password, or another account's, is refused
    #[check("TOGL-02.wrong-proof-is-refused", operations = [SetTwoStep])]
    async fn wrong_proof_is_refused(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let other = cx.account().await?;
        let wrong = switch(cx, &mut phone, false, Some("not the password 1")).await?;
        let foreign = switch(cx, &mut phone, false, Some(&other.password)).await?;
        let right = switch(cx, &mut phone, false, Some(&account.password)).await?;
        Ok(
            assert_refused("switching off with a wrong password", &wrong, &right)?.and(assert_refused(
                "switching off with another account's password",
                &foreign,
                &right,
            )?),
        )
    }

    /// switching off with a pending handle in the session's place is refused
    #[check("TOGL-02.pending-handle-is-refused", operations = [SetTwoStep])]
    async fn pending_handle_is_refused(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut pending = cx.device("new phone");
        cx.challenged(&mut pending, &account).await?;
        let handle = cx.target.credential(&pending, CredentialKind::Handle);
        cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
        let half = switch(cx, &mut pending, false, Some(&account.password)).await?;
        let full = switch(cx, &mut phone, false, Some(&account.password)).await?;
        assert_refused("switching off with a pending handle", &half, &full)
    }

    /// a proof of the password older than declared no longer switches off
    #[check("TOGL-02.proof-grows-stale", operations = [SetTwoStep, Reauthenticate], moves_clock)]
    async fn proof_grows_stale(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let age = Duration::from_secs(cx.parameters().reauth_max_s + 1);
        cx.prepare(
            &mut phone,
            Operation::Reauthenticate {
                password: account.password.clone(),
            },
        )
        .await?;
        cx.advance(age).await?;
        let stale = switch(cx, &mut phone, false, None).await?;
        cx.prepare(
            &mut phone,
            Operation::Reauthenticate {
                password: account.password.clone(),
            },
        )
        .await?;
        let fresh = switch(cx, &mut phone, false, None).await?;
        assert_refused("switching off with a proof older than declared", &stale, &fresh)
    }

    /// while it is off a new device signs in with the password alone
    #[check("TOGL-03.off-asks-nobody", operations = [SetTwoStep])]
    async fn off_asks_nobody(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        off(cx, &mut phone, &account.password).await?;
        let mut new = cx.device("new phone");
        let answer = cx.sign_in(&mut new, &account).await?;
        assert_that(
            "no code is asked while it is off",
            answer.outcome == Outcome::SignedIn,
            describe(&answer),
        )
    }

    /// on again, a device from the off period is asked for a code and a trusted one is not
    #[check("TOGL-03.on-again-asks-the-untrusted", operations = [SetTwoStep], capabilities = [Trust])]
    async fn on_again_asks_the_untrusted(cx: &mut Context) -> CheckResult {
        let (member, mut new) = off_period(cx).await?;
        let Member { account, mut phone } = member;
        let untrusted = cx.sign_in(&mut new, &account).await?;
        if untrusted.outcome != Outcome::Challenged {
            return failed(
                "a device that signed in while it was off is asked for a code once it is on",
                describe(&untrusted),
            );
        }
        cx.perform(&mut phone, Operation::SignOut {}).await?;
        let trusted = cx.sign_in(&mut phone, &account).await?;
        assert_that(
            "trust from before still skips the step",
            trusted.outcome == Outcome::SignedIn,
            describe(&trusted),
        )
    }

    /// on again, the session of an untrusted device from the off period is over
    #[check("TOGL-03.sessions-of-the-off-period-end", operations = [SetTwoStep, WhoAmI], capabilities = [Trust])]
    async fn sessions_of_the_off_period_end(cx: &mut Context) -> CheckResult {
        let (member, mut new) = off_period(cx).await?;
        let mut phone = member.phone;
        let untrusted = cx.perform(&mut new.clone(), Operation::WhoAmI {}).await?;
        let trusted = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        // Codes for the untrusted are a must, the end of their sessions is recommended.
        let ended = assert_refused(
            "the session an untrusted device opened while it was off",
            &untrusted,
            &trusted,
        );
        let proof = downgrade(ended)?;
        if !cx.target.has(Capability::RefreshCredential) || !cx.target.offers(OperationKind::Refresh) {
            return Ok(proof);
        }
        let renewed = cx.perform(&mut new, Operation::Refresh {}).await?;
        let control = cx.perform(&mut phone, Operation::Refresh {}).await?;
        Ok(proof.and(downgrade(assert_refused("renewing that session", &renewed, &control))?))
    }
);

/// A member whose setting was off and is on again, and the device that signed in meanwhile.
async fn off_period(cx: &mut Context) -> Result<(Member, Device), CheckError> {
    let mut member = cx.member().await?;
    off(cx, &mut member.phone, &member.account.password.clone()).await?;
    let mut new = cx.device("new phone");
    let answer = cx.sign_in(&mut new, &member.account).await?;
    if answer.outcome != Outcome::SignedIn {
        return Err(CheckError::NotTested(format!(
            "no session could be opened while it was off: {}",
            describe(&answer)
        )));
    }
    let on = switch(cx, &mut member.phone, true, Some(&member.account.password.clone())).await?;
    if !on.accepted() {
        return Err(CheckError::NotTested(format!(
            "it could not be switched on: {}",
            describe(&on)
        )));
    }
    Ok((member, new))
}

async fn off(cx: &mut Context, device: &mut Device, password: &str) -> Result<(), CheckError> {
    let answer = switch(cx, device, false, Some(password)).await?;
    if answer.accepted() {
        Ok(())
    } else {
        Err(CheckError::NotTested(format!(
            "it could not be switched off: {}",
            describe(&answer)
        )))
    }
}

async fn switch(cx: &mut Context, device: &mut Device, enabled: bool, password: Option<&str>) -> Result<Answer, CheckError> {
    cx.perform(
        device,
        Operation::SetTwoStep {
            enabled,
            password: password.map(str::to_owned),
        },
    )
    .await
}
