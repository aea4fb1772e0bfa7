//! Removal: signed out at once, a code the next time, and nobody else touched.

use std::time::Duration;

use targets::{Capability, Channel, CredentialKind, Device, Operation, OperationKind, Outcome};

use super::{id_of, second, sign_in_again};
use crate::check::Check;
use crate::checks::moves::cool_down;
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, accepted, asked, describe, every, failed, holds, refused};

use OperationKind::{Refresh, RemoveDevice, SignOut, WhoAmI};

const TRUST: &[Capability] = &[Capability::Trust];

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "DEV-09.pending-cannot-remove",
        title: "a pending handle removes no device",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(pending_cannot_remove(cx)),
    },
    Check {
        id: "DEV-09.foreign-device-stays",
        title: "another account's device cannot be removed, nor told from one that does not exist",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(foreign_device_stays(cx)),
    },
    Check {
        id: "DEV-09.removal-repeats",
        title: "removing a device twice, or by a malformed id, is no server error and has no side effect",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(removal_repeats(cx)),
    },
    Check {
        id: "DEV-10.removed-device-is-out-at-once",
        title: "the session of a removed device is refused within the declared bound",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(removed_device_is_out_at_once(cx)),
    },
    Check {
        id: "DEV-10.refresh-dies-with-removal",
        title: "a removed device cannot renew its session",
        operations: &[RemoveDevice, WhoAmI, Refresh],
        capabilities: &[Capability::RefreshCredential],
        moves_clock: false,
        run: |cx| Box::pin(refresh_dies_with_removal(cx)),
    },
    Check {
        id: "DEV-10.no-push-after-removal",
        title: "a removed device receives no code",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[Capability::Trust, Capability::Push],
        moves_clock: false,
        run: |cx| Box::pin(no_push_after_removal(cx)),
    },
    Check {
        id: "DEV-11.removed-device-needs-a-code",
        title: "a removed device that still holds its trust credential is asked for a code",
        operations: &[RemoveDevice, WhoAmI, SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(removed_device_needs_a_code(cx)),
    },
    Check {
        id: "DEV-11.old-trust-stays-dead",
        title: "after the removed device verified again its old trust credential is still worth nothing",
        operations: &[RemoveDevice, WhoAmI, SignOut],
        capabilities: TRUST,
        moves_clock: true,
        run: |cx| Box::pin(old_trust_stays_dead(cx)),
    },
    Check {
        id: "DEV-12.others-stay",
        title: "removing one device leaves the sessions and the trust of the others",
        operations: &[RemoveDevice, WhoAmI, SignOut],
        capabilities: TRUST,
        moves_clock: false,
        run: |cx| Box::pin(others_stay(cx)),
    },
    Check {
        id: "DEV-12.self-removal-ends-the-session",
        title: "a device that removes itself gets its answer and is out at the next request",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(self_removal_ends_the_session(cx)),
    },
    Check {
        id: "DEV-12.last-removal-leaves-email",
        title: "after the last device is removed a new one gets in by an emailed code",
        operations: &[RemoveDevice, WhoAmI],
        capabilities: &[Capability::Trust, Capability::Email],
        moves_clock: false,
        run: |cx| Box::pin(last_removal_leaves_email(cx)),
    },
];

/// A member with a second trusted device, and that device's id.
async fn pair(cx: &mut Context) -> Result<(Account, Device, Device, String), Stop> {
    let Member { account, phone } = cx.member().await?;
    let mut tablet = second(cx, "tablet", &account).await?;
    let id = id_of(cx, &mut tablet).await?;
    Ok((account, phone, tablet, id))
}

async fn remove(cx: &mut Context, by: &mut Device, id: &str) -> Result<(), Stop> {
    cx.prepare(by, Operation::RemoveDevice { id: id.to_owned() }).await?;
    // The declared bound is real time: a service may spread the news.
    let bound = Duration::from_millis(cx.parameters().revoke_bound_ms);
    if !bound.is_zero() {
        tokio::time::sleep(bound).await;
    }
    Ok(())
}

async fn pending_cannot_remove(cx: &mut Context) -> Ending {
    let (account, mut phone, mut tablet, id) = pair(cx).await?;
    let mut pending = cx.device("pending phone");
    cx.challenged(&mut pending, &account).await?;
    let handle = cx.target.credential(&pending, CredentialKind::Handle);
    cx.target.set_credential(&mut pending, CredentialKind::Access, handle);
    let half = cx.perform(&mut pending, Operation::RemoveDevice { id: id.clone() }).await?;
    let alive = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    let full = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
    let proof = refused("a removal with a pending handle", &half, &full)?;
    Ok(proof.and(accepted("the session of the device that was not removed", &alive)?))
}

async fn foreign_device_stays(cx: &mut Context) -> Ending {
    let (_, mut phone, mut tablet, id) = pair(cx).await?;
    let mut stranger = cx.member().await?.phone;
    let foreign = cx.perform(&mut stranger, Operation::RemoveDevice { id: id.clone() }).await?;
    let invented: String = id.chars().rev().collect();
    let unknown = cx.perform(&mut stranger, Operation::RemoveDevice { id: invented }).await?;
    let alive = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    if !alive.accepted() {
        return failed(
            "a device is removed by its own account only",
            "another account's removal ended its session",
        );
    }
    let status = |answer: &targets::Answer| answer.last().map(|exchange| exchange.status);
    let proof = holds(
        "a foreign device is answered like an unknown one",
        status(&foreign) == status(&unknown) && foreign.outcome == unknown.outcome,
        format!("foreign: {}; unknown: {}", describe(&foreign), describe(&unknown)),
    )?;
    let own = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
    let gone = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    Ok(proof
        .and(accepted("the removal by the owner", &own)?)
        .and(refused("the session after it", &gone, &alive)?))
}

async fn removal_repeats(cx: &mut Context) -> Ending {
    let (_, mut phone, _, id) = pair(cx).await?;
    let first = cx.perform(&mut phone, Operation::RemoveDevice { id: id.clone() }).await?;
    let mut endings = vec![accepted("the first removal", &first)];
    for odd in [id.as_str(), "no-such-device", "0", "..%2f..", "%00", "'--"] {
        let again = cx.perform(&mut phone, Operation::RemoveDevice { id: odd.to_owned() }).await?;
        let calm = again.outcome != Outcome::ServerError;
        endings.push(holds(&format!("removing `{odd}` is no server error"), calm, describe(&again)));
    }
    let alive = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    endings.push(accepted("the session of the device that asked", &alive));
    every(endings)
}

async fn removed_device_is_out_at_once(cx: &mut Context) -> Ending {
    let (_, mut phone, mut tablet, id) = pair(cx).await?;
    let before = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    remove(cx, &mut phone, &id).await?;
    let after = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    refused("the session of a removed device", &after, &before)
}

async fn refresh_dies_with_removal(cx: &mut Context) -> Ending {
    let (_, mut phone, mut tablet, id) = pair(cx).await?;
    let before = cx.perform(&mut tablet, Operation::Refresh {}).await?;
    remove(cx, &mut phone, &id).await?;
    let after = cx.perform(&mut tablet, Operation::Refresh {}).await?;
    refused("renewing the session of a removed device", &after, &before)
}

async fn no_push_after_removal(cx: &mut Context) -> Ending {
    let (account, mut phone, tablet, id) = pair(cx).await?;
    remove(cx, &mut phone, &id).await?;
    let cursor = cx.cursor();
    let mut new = cx.device("new phone");
    cx.challenged(&mut new, &account).await?;
    let came = cx.settled_for(cursor, &account).await?;
    let to = |device: &Device| {
        came.iter()
            .filter(|message| Some(&message.to) == device.push_token.as_ref())
            .count()
    };
    if to(&phone) == 0 {
        return Err(Stop::NotTested("the device that stayed got no push either".to_owned()));
    }
    holds(
        "no code goes to a removed device",
        to(&tablet) == 0,
        format!("{} messages reached it", to(&tablet)),
    )
}

async fn removed_device_needs_a_code(cx: &mut Context) -> Ending {
    let (account, mut phone, mut tablet, id) = pair(cx).await?;
    remove(cx, &mut phone, &id).await?;
    let removed = cx.sign_in(&mut tablet, &account).await?;
    let kept = sign_in_again(cx, &mut phone, &account).await?;
    asked("a removed device", &removed, &kept)
}

async fn old_trust_stays_dead(cx: &mut Context) -> Ending {
    let (account, mut phone, mut tablet, id) = pair(cx).await?;
    let mut keeper = tablet.clone();
    remove(cx, &mut phone, &id).await?;
    cx.target.set_credential(&mut tablet, CredentialKind::Trust, None);
    cx.trust(&mut tablet, &account).await?;
    cool_down(cx).await?;
    let old = cx.sign_in(&mut keeper, &account).await?;
    let new = sign_in_again(cx, &mut phone, &account).await?;
    asked("the trust credential from before the removal", &old, &new)
}

async fn others_stay(cx: &mut Context) -> Ending {
    let (account, mut phone, mut tablet, id) = pair(cx).await?;
    let mut laptop = second(cx, "laptop", &account).await?;
    let before = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    remove(cx, &mut phone, &id).await?;
    let removed = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
    let proof = refused("the session of the removed device", &removed, &before)?;
    let session = cx.perform(&mut laptop, Operation::WhoAmI {}).await?;
    let skips = sign_in_again(cx, &mut laptop, &account).await?;
    Ok(proof
        .and(accepted("the session of a device that stayed", &session)?)
        .and(holds(
            "a device that stayed signs in with the password alone",
            skips.outcome == Outcome::SignedIn,
            describe(&skips),
        )?))
}

async fn self_removal_ends_the_session(cx: &mut Context) -> Ending {
    let mut phone = cx.member().await?.phone;
    let before = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    let id = id_of(cx, &mut phone).await?;
    let removal = cx.perform(&mut phone.clone(), Operation::RemoveDevice { id }).await?;
    if !removal.accepted() {
        return Err(Stop::NotTested(format!(
            "the target does not let a device remove itself: {}",
            describe(&removal)
        )));
    }
    let after = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
    refused("the session of a device that removed itself", &after, &before)
}

async fn last_removal_leaves_email(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let id = id_of(cx, &mut phone).await?;
    let removal = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
    if !removal.accepted() {
        return Err(Stop::NotTested(format!(
            "the target does not let the last device be removed: {}",
            describe(&removal)
        )));
    }
    let cursor = cx.cursor();
    let mut new = cx.device("new phone");
    let answer = cx.sign_in(&mut new, &account).await?;
    if answer.outcome != Outcome::Challenged {
        return failed("an account without devices asks a new one for a code", describe(&answer));
    }
    let codes = cx.settled_for(cursor, &account).await?;
    let mailed = codes
        .iter()
        .find(|message| message.channel == Channel::Email)
        .and_then(|message| message.code.clone());
    let Some(code) = mailed else {
        return failed(
            "the code comes by email once no device is left",
            format!("{} messages came, none by email", codes.len()),
        );
    };
    let verify = cx.perform(&mut new, Operation::Verify { code }).await?;
    accepted("the emailed code", &verify)
}
