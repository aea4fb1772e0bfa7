//! What the password alone opens, and that without it nothing is sent.

use targets::{Capability, CredentialKind, Device, Operation, OperationKind, Outcome};

use crate::check::Check;
use crate::checks::moves::{credentials_in, is_not_signed_in, opens_nothing};
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, asked, describe, every, failed, holds, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SIGN-01.password-alone-opens-nothing",
        title: "nothing in the answer to a right password opens or renews a session",
        operations: &[OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(password_alone_opens_nothing(cx)),
    },
    Check {
        id: "SIGN-01.password-alone-is-no-trust",
        title: "nothing in the answer to a right password makes a device skip the code",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(password_alone_is_no_trust(cx)),
    },
    Check {
        id: "SIGN-01.password-alone-adds-no-device",
        title: "a pending sign-in adds no trusted device; the code does",
        operations: &[OperationKind::ListDevices],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(password_alone_adds_no_device(cx)),
    },
    Check {
        id: "SIGN-02.wrong-password-sends-nothing",
        title: "wrong passwords, for known and unknown accounts, send no code to anybody",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(wrong_password_sends_nothing(cx)),
    },
    Check {
        id: "SIGN-02.wrong-password-opens-no-challenge",
        title: "a wrong password leaves no pending challenge; the right one does",
        operations: &[OperationKind::ListChallenges],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(wrong_password_opens_no_challenge(cx)),
    },
];

async fn password_alone_opens_nothing(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let mut new = cx.device("new phone");
    let answer = cx.sign_in(&mut new, &account).await?;
    if answer.outcome == Outcome::SignedIn {
        return failed("the password alone opens a pending challenge", describe(&answer));
    }
    let mut endings = is_not_signed_in(cx, "a pending sign-in", &new, &phone).await?;
    for text in credentials_in(&answer) {
        endings.extend(opens_nothing(cx, &format!("`{text}` of the pending answer"), &text, &phone).await?);
    }
    every(endings)
}

async fn password_alone_is_no_trust(cx: &mut Context) -> Ending {
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
    every(skipped.iter().map(|(what, again)| asked(what, again, &own)))
}

async fn password_alone_adds_no_device(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut new = cx.device("new phone");
    let before = trusted_rows(cx, &mut phone).await?;
    let pending = cx.challenged(&mut new, &account).await?;
    let between = trusted_rows(cx, &mut phone).await?;
    cx.prepare(&mut new, Operation::Verify { code: pending.code }).await?;
    let after = trusted_rows(cx, &mut phone).await?;
    let proof = holds(
        "a pending sign-in adds no trusted device",
        between == before,
        format!("{before} devices became {between}"),
    )?;
    if after == before {
        return Err(Stop::NotTested(
            "the list did not grow with a verified device either".to_owned(),
        ));
    }
    Ok(proof)
}

/// Rows of the device list that are trusted, or do not say.
async fn trusted_rows(cx: &mut Context, phone: &mut Device) -> Result<usize, Stop> {
    let list = cx.prepare(phone, Operation::ListDevices {}).await?;
    let rows = list.facts.devices.unwrap_or_default();
    Ok(rows.iter().filter(|row| row.trusted != Some(false)).count())
}

async fn wrong_password_sends_nothing(cx: &mut Context) -> Ending {
    let Member { account, .. } = cx.member().await?;
    let known = cx.account().await?;
    let nobody = Account {
        email: known.email.replace('@', "-nobody@"),
        password: known.password.clone(),
    };
    let cursor = cx.cursor();
    let mut tries = Vec::new();
    for owner in [&account, &known, &nobody] {
        for password in ["not the password 1", "", "123456"] {
            let mut device = cx.device("stranger's phone");
            let mistaken = Account {
                password: password.to_owned(),
                ..owner.clone()
            };
            tries.push(cx.sign_in(&mut device, &mistaken).await?);
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
    every(
        tries
            .iter()
            .map(|tried| refused("a sign-in with a wrong password", tried, &right.answer)),
    )
}

async fn wrong_password_opens_no_challenge(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mistaken = Account {
        password: "not the password 1".to_owned(),
        ..account.clone()
    };
    let mut stranger = cx.device("stranger's phone");
    cx.sign_in(&mut stranger, &mistaken).await?;
    let wrong = pending_rows(cx, &mut phone).await?;
    let mut new = cx.device("new phone");
    cx.challenged(&mut new, &account).await?;
    let right = pending_rows(cx, &mut phone).await?;
    let proof = holds(
        "no challenge is pending after a wrong password",
        wrong == 0,
        format!("{wrong} are pending"),
    )?;
    if right != 1 {
        return Err(Stop::NotTested(format!(
            "after the right password the list told of {right} challenges"
        )));
    }
    Ok(proof)
}

async fn pending_rows(cx: &mut Context, phone: &mut Device) -> Result<usize, Stop> {
    let list = cx.prepare(phone, Operation::ListChallenges {}).await?;
    Ok(list.facts.challenges.unwrap_or_default().len())
}
