//! The setting: on by default, off only with a fresh proof of the password, and on again means on for everybody.

use std::time::Duration;

use targets::{Answer, Capability, CredentialKind, Device, Operation, OperationKind, Outcome};

use crate::check::Check;
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, advised, describe, failed, holds, refused};

use OperationKind::{Reauthenticate, SetTwoStep, WhoAmI};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "TOGL-01.new-accounts-ask-for-a-code",
        title: "a new account, its setting never touched, asks its first device for a code",
        operations: &[OperationKind::CreateAccount],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(new_accounts_ask_for_a_code(cx)),
    },
    Check {
        id: "TOGL-02.session-alone-is-not-enough",
        title: "switching off with a session but no proof of the password is refused",
        operations: &[SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(session_alone_is_not_enough(cx)),
    },
    Check {
        id: "TOGL-02.wrong-proof-is-refused",
        title: "switching off with a wrong password, or another account's, is refused",
        operations: &[SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(wrong_proof_is_refused(cx)),
    },
    Check {
        id: "TOGL-02.pending-handle-is-refused",
        title: "switching off with a pending handle in the session's place is refused",
        operations: &[SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(pending_handle_is_refused(cx)),
    },
    Check {
        id: "TOGL-02.proof-grows-stale",
        title: "a proof of the password older than declared no longer switches off",
        operations: &[SetTwoStep, Reauthenticate],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(proof_grows_stale(cx)),
    },
    Check {
        id: "TOGL-03.off-asks-nobody",
        title: "while it is off a new device signs in with the password alone",
        operations: &[SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(off_asks_nobody(cx)),
    },
    Check {
        id: "TOGL-03.on-again-asks-the-untrusted",
        title: "on again, a device from the off period is asked for a code and a trusted one is not",
        operations: &[SetTwoStep],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(on_again_asks_the_untrusted(cx)),
    },
    Check {
        id: "TOGL-03.sessions-of-the-off-period-end",
        title: "on again, the session of an untrusted device from the off period is over",
        operations: &[SetTwoStep, WhoAmI],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(sessions_of_the_off_period_end(cx)),
    },
];

async fn new_accounts_ask_for_a_code(cx: &mut Context) -> Ending {
    let account = cx.untouched_account().await?;
    let mut first = cx.device("first phone");
    let answer = cx.sign_in(&mut first, &account).await?;
    holds(
        "a new account asks its first device for a code",
        answer.outcome == Outcome::Challenged,
        describe(&answer),
    )
}

async fn session_alone_is_not_enough(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let bare = switch(cx, &mut phone, false, None).await?;
    let proven = switch(cx, &mut phone, false, Some(&account.password)).await?;
    refused("switching off with a session alone", &bare, &proven)
}

async fn wrong_proof_is_refused(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let other = cx.account().await?;
    let wrong = switch(cx, &mut phone, false, Some("not the password 1")).await?;
    let foreign = switch(cx, &mut phone, false, Some(&other.password)).await?;
    let right = switch(cx, &mut phone, false, Some(&account.password)).await?;
    Ok(refused("switching off with a wrong password", &wrong, &right)?.and(refused(
        "switching off with another account's password",
        &foreign,
        &right,
    )?))
}

async fn pending_handle_is_refused(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut pending = cx.device("new phone");
    cx.challenged(&mut pending, &account).await?;
    let handle = cx.target.credential(&pending, CredentialKind::Handle);
    cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
    let half = switch(cx, &mut pending, false, Some(&account.password)).await?;
    let full = switch(cx, &mut phone, false, Some(&account.password)).await?;
    refused("switching off with a pending handle", &half, &full)
}

async fn proof_grows_stale(cx: &mut Context) -> Ending {
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
    refused("switching off with a proof older than declared", &stale, &fresh)
}

async fn off_asks_nobody(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    off(cx, &mut phone, &account.password).await?;
    let mut new = cx.device("new phone");
    let answer = cx.sign_in(&mut new, &account).await?;
    holds(
        "no code is asked while it is off",
        answer.outcome == Outcome::SignedIn,
        describe(&answer),
    )
}

async fn on_again_asks_the_untrusted(cx: &mut Context) -> Ending {
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
    holds(
        "trust from before still skips the step",
        trusted.outcome == Outcome::SignedIn,
        describe(&trusted),
    )
}

async fn sessions_of_the_off_period_end(cx: &mut Context) -> Ending {
    let (member, mut new) = off_period(cx).await?;
    let mut phone = member.phone;
    let untrusted = cx.perform(&mut new.clone(), Operation::WhoAmI {}).await?;
    let trusted = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    // Codes for the untrusted are a must, the end of their sessions is recommended.
    let ended = refused(
        "the session an untrusted device opened while it was off",
        &untrusted,
        &trusted,
    );
    let proof = advised(ended)?;
    if !cx.target.has(Capability::RefreshCredential) || !cx.target.offers(OperationKind::Refresh) {
        return Ok(proof);
    }
    let renewed = cx.perform(&mut new, Operation::Refresh {}).await?;
    let control = cx.perform(&mut phone, Operation::Refresh {}).await?;
    Ok(proof.and(advised(refused("renewing that session", &renewed, &control))?))
}

/// A member whose setting was off and is on again, and the device that signed in meanwhile.
async fn off_period(cx: &mut Context) -> Result<(Member, Device), Stop> {
    let mut member = cx.member().await?;
    off(cx, &mut member.phone, &member.account.password.clone()).await?;
    let mut new = cx.device("new phone");
    let answer = cx.sign_in(&mut new, &member.account).await?;
    if answer.outcome != Outcome::SignedIn {
        return Err(Stop::NotTested(format!(
            "no session could be opened while it was off: {}",
            describe(&answer)
        )));
    }
    let on = switch(cx, &mut member.phone, true, Some(&member.account.password.clone())).await?;
    if !on.accepted() {
        return Err(Stop::NotTested(format!("it could not be switched on: {}", describe(&on))));
    }
    Ok((member, new))
}

async fn off(cx: &mut Context, device: &mut Device, password: &str) -> Result<(), Stop> {
    let answer = switch(cx, device, false, Some(password)).await?;
    if answer.accepted() {
        Ok(())
    } else {
        Err(Stop::NotTested(format!(
            "it could not be switched off: {}",
            describe(&answer)
        )))
    }
}

async fn switch(cx: &mut Context, device: &mut Device, enabled: bool, password: Option<&str>) -> Result<Answer, Stop> {
    cx.perform(
        device,
        Operation::SetTwoStep {
            enabled,
            password: password.map(str::to_owned),
        },
    )
    .await
}
