//! The setting: on by default, off only with a fresh proof of the password, and on again means on for everybody.

use std::time::Duration;

use targets::{Answer, Capability, Device, Operation, OperationKind, Outcome};

use crate::checks::steps::{handle_as_session, off_period};
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, all, assert_outcome, assert_refused, describe, downgrade, failed};

checks!(
    /// a new account, its setting never touched, asks its first device for a code
    #[check("TOGL-01.new-accounts-ask-for-a-code", operations = [CreateAccount])]
    async fn new_accounts_ask_for_a_code(cx: &mut Context) -> CheckResult {
        let account = cx.untouched_account().await?;
        let mut first = cx.device("first phone");
        let answer = cx.sign_in(&mut first, &account).await?;
        assert_outcome("a new account asks its first device for a code", &answer, Outcome::Challenged)
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
        all([
            assert_refused("switching off with a wrong password", &wrong, &right),
            assert_refused("switching off with another account's password", &foreign, &right),
        ])
    }

    /// switching off with a pending handle in the session's place is refused
    #[check("TOGL-02.pending-handle-is-refused", operations = [SetTwoStep])]
    async fn pending_handle_is_refused(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let mut pending = handle_as_session(cx, &account).await?;
        let half = switch(cx, &mut pending, false, Some(&account.password)).await?;
        let full = switch(cx, &mut phone, false, Some(&account.password)).await?;
        assert_refused("switching off with a pending handle", &half, &full)
    }

    /// a proof of the password older than declared no longer switches off
    #[check("TOGL-02.proof-grows-stale", operations = [SetTwoStep, Reauthenticate], moves_clock)]
    async fn proof_grows_stale(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let age = Duration::from_secs(cx.parameters().reauth_max_s + 1);
        let reauthenticate = Operation::Reauthenticate {
            password: account.password.clone(),
        };
        cx.prepare(&mut phone, reauthenticate.clone()).await?;
        cx.advance(age).await?;
        let stale = switch(cx, &mut phone, false, None).await?;
        cx.prepare(&mut phone, reauthenticate).await?;
        let fresh = switch(cx, &mut phone, false, None).await?;
        assert_refused("switching off with a proof older than declared", &stale, &fresh)
    }

    /// while it is off a new device signs in with the password alone
    #[check("TOGL-03.off-asks-nobody", operations = [SetTwoStep])]
    async fn off_asks_nobody(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        cx.prepare(&mut phone, account.set_two_step(false)).await?;
        let mut new = cx.device("new phone");
        let answer = cx.sign_in(&mut new, &account).await?;
        assert_outcome("no code is asked while it is off", &answer, Outcome::SignedIn)
    }

    /// on again, a device from the off period is asked for a code and a trusted one is not
    #[check("TOGL-03.on-again-asks-the-untrusted", operations = [SetTwoStep], capabilities = [Trust])]
    async fn on_again_asks_the_untrusted(cx: &mut Context) -> CheckResult {
        let (Member { account, mut phone }, mut new) = off_period(cx).await?;
        let untrusted = cx.sign_in(&mut new, &account).await?;
        if untrusted.outcome != Outcome::Challenged {
            return failed(
                "a device that signed in while it was off is asked for a code once it is on",
                describe(&untrusted),
            );
        }
        cx.perform(&mut phone, Operation::SignOut {}).await?;
        let trusted = cx.sign_in(&mut phone, &account).await?;
        assert_outcome("trust from before still skips the step", &trusted, Outcome::SignedIn)
    }

    /// on again, the session of an untrusted device from the off period is over
    #[check("TOGL-03.sessions-of-the-off-period-end", operations = [SetTwoStep, WhoAmI], capabilities = [Trust])]
    async fn sessions_of_the_off_period_end(cx: &mut Context) -> CheckResult {
        let (Member { mut phone, .. }, mut new) = off_period(cx).await?;
        let untrusted = cx.perform(&mut new.clone(), Operation::WhoAmI {}).await?;
        let trusted = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        // Codes for the untrusted are a must, the end of their sessions is recommended.
        let what = "the session an untrusted device opened while it was off";
        let proof = downgrade(assert_refused(what, &untrusted, &trusted))?;
        if !cx.target.has(Capability::RefreshCredential) || !cx.target.offers(OperationKind::Refresh) {
            return Ok(proof);
        }
        let renewed = cx.perform(&mut new, Operation::Refresh {}).await?;
        let control = cx.perform(&mut phone, Operation::Refresh {}).await?;
        Ok(proof.and(downgrade(assert_refused("renewing that session", &renewed, &control))?))
    }
);

async fn switch(cx: &mut Context, device: &mut Device, enabled: bool, password: Option<&str>) -> Result<Answer, CheckError> {
    let password = password.map(str::to_owned);
    cx.perform(device, Operation::SetTwoStep { enabled, password }).await
}
