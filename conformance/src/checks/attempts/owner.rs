//! The owner's trusted device stays in, whatever others do to the account.

use targets::{Capability, Operation, OperationKind, Outcome};

use super::{open, spend, wrong_password};
use crate::check::Check;
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, accepted, describe, holds};

const TRUST: &[Capability] = &[Capability::Trust, Capability::SourceAddresses];

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "ATT-06.wrong-passwords-do-not-lock-the-owner-out",
        title: "after many wrong passwords from elsewhere the trusted device keeps its session and signs in again",
        operations: &[OperationKind::SignOut, OperationKind::WhoAmI],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(wrong_passwords_do_not_lock_the_owner_out(cx)),
    },
    Check {
        id: "ATT-06.spent-codes-do-not-lock-the-owner-out",
        title: "after somebody with the password spent all guesses and challenges the trusted device signs in again",
        operations: &[OperationKind::SignOut, OperationKind::WhoAmI],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(spent_codes_do_not_lock_the_owner_out(cx)),
    },
];

async fn wrong_passwords_do_not_lock_the_owner_out(cx: &mut Context) -> Ending {
    let member = cx.member().await?;
    for _ in 0..120 {
        let mut device = cx.device("guesser");
        wrong_password(cx, &mut device, &member.account.email).await?;
    }
    owner_gets_in(cx, member).await
}

async fn spent_codes_do_not_lock_the_owner_out(cx: &mut Context) -> Ending {
    let member = cx.member().await?;
    spend(cx, &member.account, cx.parameters().account_wrong_limit).await?;
    // Challenges left open until no more are given out.
    for _ in 0..=cx.parameters().live_challenges {
        match open(cx, &member.account).await {
            Ok(_) => {}
            Err(Stop::NotTested(_)) => break,
            Err(stop) => return Err(stop),
        }
    }
    owner_gets_in(cx, member).await
}

async fn owner_gets_in(cx: &mut Context, member: Member) -> Ending {
    let Member { account, mut phone } = member;
    let session = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    let proof = accepted("the trusted device's running session", &session)?;
    cx.perform(&mut phone, Operation::SignOut {}).await?;
    let again = cx.sign_in(&mut phone, &account).await?;
    Ok(proof.and(holds(
        "the trusted device signs in with the password and no code",
        again.outcome == Outcome::SignedIn,
        describe(&again),
    )?))
}
