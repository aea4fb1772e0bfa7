//! The owner's trusted device stays in, whatever others do to the account.

use targets::{Operation, Outcome};

use super::{spend, wrong_password};
use crate::checks::steps::open;
use crate::context::{Context, Member};
use crate::proof::{CheckError, CheckResult, assert_accepted, assert_outcome};

checks!(
    /// after many wrong passwords from elsewhere the trusted device keeps its session and signs in again
    #[check(
        "ATT-06.wrong-passwords-do-not-lock-the-owner-out",
        operations = [SignOut, WhoAmI],
        capabilities = [Trust, SourceAddresses]
    )]
    async fn wrong_passwords_do_not_lock_the_owner_out(cx: &mut Context) -> CheckResult {
        let member = cx.member().await?;
        for _ in 0..120 {
            let mut device = cx.device("guesser");
            wrong_password(cx, &mut device, &member.account.email).await?;
        }
        owner_gets_in(cx, member).await
    }

    /// after somebody with the password spent all guesses and challenges the trusted device signs in again
    #[check(
        "ATT-06.spent-codes-do-not-lock-the-owner-out",
        operations = [SignOut, WhoAmI],
        capabilities = [Trust, SourceAddresses]
    )]
    async fn spent_codes_do_not_lock_the_owner_out(cx: &mut Context) -> CheckResult {
        let member = cx.member().await?;
        spend(cx, &member.account, cx.parameters().account_wrong_limit).await?;
        // Challenges left open until no more are given out.
        for _ in 0..=cx.parameters().live_challenges {
            match open(cx, &member.account).await {
                Ok(_) => {}
                Err(CheckError::NotTested(_)) => break,
                Err(stop) => return Err(stop),
            }
        }
        owner_gets_in(cx, member).await
    }
);

async fn owner_gets_in(cx: &mut Context, member: Member) -> CheckResult {
    let Member { account, mut phone } = member;
    let session = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    let proof = assert_accepted("the trusted device's running session", &session)?;
    cx.perform(&mut phone, Operation::SignOut {}).await?;
    let again = cx.sign_in(&mut phone, &account).await?;
    Ok(proof.and(assert_outcome(
        "the trusted device signs in with the password and no code",
        &again,
        Outcome::SignedIn,
    )?))
}
