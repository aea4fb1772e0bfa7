//! Resend: another code for the same challenge, within limits, for its holder alone.

use targets::{Channel, CredentialKind, Device, Operation, OperationKind, RequestMutation};

use crate::check::Check;
use crate::checks::moves::{Drift, cool_down, resend};
use crate::context::{Account, Context, Pending};
use crate::proof::{Ending, Stop, accepted, failed, holds, refused};

use OperationKind::Resend;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "RSND-01.resent-code-signs-in",
        title: "after the cool-down a resend brings exactly one new message, and its code signs in",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(resent_code_signs_in(cx)),
    },
    Check {
        id: "RSND-02.old-code-is-void",
        title: "after two resends only the newest code is accepted",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(old_code_is_void(cx)),
    },
    Check {
        id: "RSND-03.early-resend-sends-nothing",
        title: "a resend inside the cool-down sends nothing and says when to retry",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(early_resend_sends_nothing(cx)),
    },
    Check {
        id: "RSND-03.early-resend-keeps-the-code",
        title: "a resend inside the cool-down leaves the code as it was",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(early_resend_keeps_the_code(cx)),
    },
    Check {
        id: "RSND-03.double-tap-sends-one-message",
        title: "signing in twice from one device inside the cool-down sends one message",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(double_tap_sends_one_message(cx)),
    },
    Check {
        id: "RSND-03.challenge-cap-holds",
        title: "a challenge causes no more messages than declared",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(challenge_cap_holds(cx)),
    },
    Check {
        id: "RSND-03.account-cap-holds",
        title: "all challenges of an account together cause no more messages a day than declared",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(account_cap_holds(cx)),
    },
    Check {
        id: "RSND-04.handle-is-required",
        title: "naming the account is not enough to have a code sent",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(handle_is_required(cx)),
    },
    Check {
        id: "RSND-04.destination-cannot-be-named",
        title: "a resend or switch that names another mailbox sends nothing there",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(destination_cannot_be_named(cx)),
    },
    Check {
        id: "RSND-05.owners-code-survives-others",
        title: "another sign-in to the account and its resends leave the owner's own code usable",
        operations: &[Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(owners_code_survives_others(cx)),
    },
];

async fn resent_code_signs_in(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    cx.challenged(&mut new, &account).await?;
    cool_down(cx).await?;
    let cursor = cx.cursor();
    let resend = cx.perform(&mut new, Operation::Resend {}).await?;
    let proof = accepted("a resend after the cool-down", &resend)?;
    let came = cx.settled_for(cursor, &account).await?;
    if came.len() != 1 {
        return failed("one new message for one resend", format!("{} messages came", came.len()));
    }
    let Some(code) = came[0].code.clone() else {
        return failed("the message of a resend carries a code", "no code was found in it");
    };
    let verify = cx.perform(&mut new, Operation::Verify { code }).await?;
    Ok(proof.and(accepted("the code of the resent message", &verify)?))
}

async fn old_code_is_void(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    let first = cx.challenged(&mut new, &account).await?;
    let second = resend(cx, &mut new, &account).await?;
    let third = resend(cx, &mut new, &account).await?;
    if first.code == third.code {
        let expiry = |pending: &Pending| {
            pending
                .answer
                .facts
                .challenge
                .as_ref()
                .and_then(|facts| facts.expires_at.clone())
        };
        return holds(
            "a code that is repeated keeps the expiry of its first issue",
            expiry(&first) == expiry(&third),
            format!("{:?} became {:?}", expiry(&first), expiry(&third)),
        );
    }
    let oldest = cx.perform(&mut new, Operation::Verify { code: first.code }).await?;
    let older = cx.perform(&mut new.clone(), Operation::Verify { code: second.code }).await?;
    let newest = cx.perform(&mut new, Operation::Verify { code: third.code }).await?;
    let proof = refused("the code before two resends", &oldest, &newest)?;
    Ok(proof.and(refused("the code before one resend", &older, &newest)?))
}

async fn early_resend_sends_nothing(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    let drift = Drift::start(cx);
    cx.challenged(&mut new, &account).await?;
    let cursor = cx.cursor();
    let early = cx.perform(&mut new, Operation::Resend {}).await?;
    drift.within_cool_down(cx)?;
    let came = cx.settled_for(cursor, &account).await?;
    if !came.is_empty() {
        return failed(
            "no message for a resend inside the cool-down",
            format!("{} messages came", came.len()),
        );
    }
    cool_down(cx).await?;
    let late = cx.perform(&mut new, Operation::Resend {}).await?;
    let proof = refused("a resend inside the cool-down", &early, &late)?;
    let told = early.retry_after().map(|wait| wait.as_secs());
    let declared = cx.parameters().resend_cooldown_s;
    Ok(proof.and(holds(
        "the refusal says when to retry, within the declared cool-down",
        told.is_some_and(|seconds| seconds >= 1 && seconds <= declared),
        format!("Retry-After was {told:?}, the declared cool-down is {declared} s"),
    )?))
}

async fn early_resend_keeps_the_code(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    let pending = cx.challenged(&mut new, &account).await?;
    let early = cx.perform(&mut new, Operation::Resend {}).await?;
    if early.accepted() {
        return Err(Stop::NotTested(
            "the target has no cool-down, so no resend is early".to_owned(),
        ));
    }
    let verify = cx.perform(&mut new, Operation::Verify { code: pending.code }).await?;
    accepted("the code after a resend that was refused", &verify)
}

async fn double_tap_sends_one_message(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    let mut again = new.clone();
    let cursor = cx.cursor();
    let drift = Drift::start(cx);
    cx.challenged(&mut new, &account).await?;
    cx.sign_in(&mut again, &account).await?;
    drift.within_cool_down(cx)?;
    let came = cx.settled_for(cursor, &account).await?;
    holds(
        "one message for a sign-in tapped twice",
        came.len() == 1,
        format!("{} messages came", came.len()),
    )
}

async fn challenge_cap_holds(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let cap = cx.parameters().sends_per_challenge;
    let mut new = cx.device("new phone");
    let cursor = cx.cursor();
    let first = cx.challenged(&mut new, &account).await?;
    let mut within = None;
    for _ in 1..cap {
        cool_down(cx).await?;
        within = Some(cx.prepare(&mut new, Operation::Resend {}).await?);
    }
    cool_down(cx).await?;
    let beyond = cx.perform(&mut new, Operation::Resend {}).await?;
    let came = cx.settled_for(cursor, &account).await?;
    let proof = holds(
        "no more messages for one challenge than declared",
        came.len() as u32 <= cap,
        format!("{} messages came, {cap} are declared", came.len()),
    )?;
    match within {
        Some(within) => Ok(proof.and(refused("the send beyond the cap of the challenge", &beyond, &within)?)),
        None => Ok(proof.and(holds(
            "no resend is accepted at a cap of one",
            !beyond.accepted(),
            format!("{:?}", first.method),
        )?)),
    }
}

async fn account_cap_holds(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let parameters = cx.parameters().clone();
    let cap = parameters.sends_per_account_day;
    // The sign-in that made the member's phone trusted was a send of the same day.
    let mut spent = 1;
    let cursor = cx.cursor();
    let mut devices = Vec::new();
    for n in 0..parameters.live_challenges {
        let mut device = cx.device(&format!("phone {n}"));
        cx.challenged(&mut device, &account).await?;
        spent += 1;
        devices.push(device);
    }
    let reachable = parameters.live_challenges * parameters.sends_per_challenge + 1;
    if reachable <= cap {
        return Err(Stop::NotTested(format!(
            "live challenges and their caps allow {reachable} sends, below the declared {cap}"
        )));
    }
    let mut within = None;
    'rounds: for _ in 1..parameters.sends_per_challenge {
        cool_down(cx).await?;
        for device in &mut devices {
            if spent == cap {
                break 'rounds;
            }
            within = Some(cx.prepare(device, Operation::Resend {}).await?);
            spent += 1;
        }
    }
    cool_down(cx).await?;
    let last = devices
        .last_mut()
        .ok_or_else(|| Stop::NotTested("no live challenge is allowed".to_owned()))?;
    let beyond = cx.perform(last, Operation::Resend {}).await?;
    let came = cx.settled_for(cursor, &account).await?;
    let proof = holds(
        "no more messages for one account in a day than declared",
        (came.len() as u32) < cap,
        format!("{} messages came, {cap} are declared", came.len() + 1),
    )?;
    let within = within.ok_or_else(|| Stop::NotTested("the cap was reached without a resend".to_owned()))?;
    Ok(proof.and(refused("the send beyond the cap of the account", &beyond, &within)?))
}

async fn handle_is_required(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let mut new = cx.device("new phone");
    cx.challenged(&mut new, &account).await?;
    cool_down(cx).await?;
    let cursor = cx.cursor();
    let mut bare = cx.device("stranger's phone");
    let by_name = [RequestMutation::SetField("email".to_owned(), account.email.clone().into())];
    let resend = cx.perform_with(&mut bare, Operation::Resend {}, &by_name).await?;
    let mut guessing = bare.clone();
    let held = cx.target.credential(&new, CredentialKind::Handle).unwrap_or_default();
    let guess: String = held.chars().rev().collect();
    cx.target.set_credential(&mut guessing, CredentialKind::Handle, Some(guess));
    let guessed = cx.perform(&mut guessing, Operation::Resend {}).await?;
    let came = cx.settled_for(cursor, &account).await?;
    if !came.is_empty() {
        return failed(
            "no message without the pending handle",
            format!("{} messages came", came.len()),
        );
    }
    let with_handle = cx.perform(&mut new, Operation::Resend {}).await?;
    let proof = refused("a resend that names the account and holds no handle", &resend, &with_handle)?;
    Ok(proof.and(refused("a resend with a guessed handle", &guessed, &with_handle)?))
}

async fn destination_cannot_be_named(cx: &mut Context) -> Ending {
    let (_, account) = member(cx).await?;
    let elsewhere = cx.account().await?;
    let mut new = cx.device("new phone");
    cx.challenged(&mut new, &account).await?;
    cool_down(cx).await?;
    let cursor = cx.cursor();
    for field in ["email", "to", "cc", "destination", "phone"] {
        let named = [RequestMutation::SetField(field.to_owned(), elsewhere.email.clone().into())];
        cx.perform_with(&mut new, Operation::Resend {}, &named).await?;
        if cx.target.offers(OperationKind::SwitchMethod) {
            let switch = Operation::SwitchMethod { method: Channel::Email };
            cx.perform_with(&mut new, switch, &named).await?;
        }
    }
    let strayed = cx.settled_for(cursor, &elsewhere).await?;
    let proof = holds(
        "nothing is sent to a mailbox that the request names",
        strayed.is_empty(),
        format!("{} messages came to the named mailbox", strayed.len()),
    )?;
    cool_down(cx).await?;
    let plain = cx.perform(&mut new, Operation::Resend {}).await?;
    Ok(proof.and(accepted("the same resend without a named mailbox", &plain)?))
}

async fn owners_code_survives_others(cx: &mut Context) -> Ending {
    if !cx.target.has(targets::Capability::CodePerChallenge) {
        return Err(Stop::NotApplicable("the target declares one code an account".to_owned()));
    }
    let (_, account) = member(cx).await?;
    let mut own = cx.device("owner's new phone");
    let pending = cx.challenged(&mut own, &account).await?;
    let mut attacker = cx.device("attacker's phone");
    cx.challenged(&mut attacker, &account).await?;
    let lifetime = cx.parameters().code_ttl_s;
    let cool = cx.parameters().resend_cooldown_s.max(1);
    let resends = u64::from(cx.parameters().sends_per_challenge).min(lifetime.saturating_sub(1) / cool);
    for _ in 1..resends {
        cool_down(cx).await?;
        cx.perform(&mut attacker, Operation::Resend {}).await?;
    }
    let verify = cx.perform(&mut own, Operation::Verify { code: pending.code }).await?;
    accepted("the owner's code after somebody else's sign-in and resends", &verify)
}

async fn member(cx: &mut Context) -> Result<(Device, Account), Stop> {
    let member = cx.member().await?;
    Ok((member.phone, member.account))
}
