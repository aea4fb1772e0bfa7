//! Removal: signed out at once, a code the next time, and nobody else touched.

use std::time::Duration;

use targets::{Channel, CredentialKind, Device, Message, Operation, Outcome};

use super::{id_of, second, sign_in_again};
use crate::checks::steps::{cool_down, handle_as_session};
use crate::context::{Account, Context, Member};
use crate::proof::{
    CheckError, CheckResult, all, assert_accepted, assert_challenged, assert_outcome, assert_refused, assert_that, describe,
    failed, not_tested,
};

checks!(
    /// A member with a second trusted device, and that device's id.
    async fn pair(cx: &mut Context) -> Result<(Account, Device, Device, String), CheckError> {
        let Member { account, phone } = cx.member().await?;
        let mut tablet = second(cx, "tablet", &account).await?;
        let id = id_of(cx, &mut tablet).await?;
        Ok((account, phone, tablet, id))
    }

    async fn remove(cx: &mut Context, by: &mut Device, id: &str) -> Result<(), CheckError> {
        cx.prepare(by, Operation::RemoveDevice { id: id.to_owned() }).await?;
        // The declared bound is real time: a service may spread the news.
        let bound = Duration::from_millis(cx.parameters().revoke_bound_ms);
        if !bound.is_zero() {
            tokio::time::sleep(bound).await;
        }
        Ok(())
    }

    /// a pending handle removes no device
    #[check("DEV-09.pending-cannot-remove", operations = [RemoveDevice, WhoAmI])]
    async fn pending_cannot_remove(cx: &mut Context) -> CheckResult {
        let (account, mut phone, mut tablet, id) = pair(cx).await?;
        let mut pending = handle_as_session(cx, &account).await?;
        let half = cx.perform(&mut pending, Operation::RemoveDevice { id: id.clone() }).await?;
        let alive = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        let full = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
        let proof = assert_refused("a removal with a pending handle", &half, &full)?;
        Ok(proof.and(assert_accepted("the session of the device that was not removed", &alive)?))
    }

    /// another account's device cannot be removed, nor told from one that does not exist
    #[check("DEV-09.foreign-device-stays", operations = [RemoveDevice, WhoAmI])]
    async fn foreign_device_stays(cx: &mut Context) -> CheckResult {
        let (_, mut phone, mut tablet, id) = pair(cx).await?;
        let mut stranger = cx.member().await?.phone;
        let foreign = cx.perform(&mut stranger, Operation::RemoveDevice { id: id.clone() }).await?;
        let invented: String = id.chars().rev().collect();
        let unknown = cx.perform(&mut stranger, Operation::RemoveDevice { id: invented }).await?;
        let alive = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        if !alive.accepted() {
            let own = "a device is removed by its own account only";
            return failed(own, "another account's removal ended its session");
        }
        let status = |answer: &targets::Answer| answer.last().map(|exchange| exchange.status);
        let proof = assert_that(
            "a foreign device is answered like an unknown one",
            status(&foreign) == status(&unknown) && foreign.outcome == unknown.outcome,
            format!("foreign: {}; unknown: {}", describe(&foreign), describe(&unknown)),
        )?;
        let own = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
        let gone = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        Ok(proof
            .and(assert_accepted("the removal by the owner", &own)?)
            .and(assert_refused("the session after it", &gone, &alive)?))
    }

    /// removing a device twice, or by a malformed id, is no server error and has no side effect
    #[check("DEV-09.removal-repeats", operations = [RemoveDevice, WhoAmI])]
    async fn removal_repeats(cx: &mut Context) -> CheckResult {
        let (_, mut phone, _, id) = pair(cx).await?;
        let first = cx.perform(&mut phone, Operation::RemoveDevice { id: id.clone() }).await?;
        let mut results = vec![assert_accepted("the first removal", &first)];
        for odd in [id.as_str(), "no-such-device", "0", "..%2f..", "%00", "'--"] {
            let again = cx.perform(&mut phone, Operation::RemoveDevice { id: odd.to_owned() }).await?;
            let calm = again.outcome != Outcome::ServerError;
            let what = format!("removing `{odd}` is no server error");
            results.push(assert_that(&what, calm, describe(&again)));
        }
        let alive = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        results.push(assert_accepted("the session of the device that asked", &alive));
        all(results)
    }

    /// the session of a removed device is refused within the declared bound
    #[check("DEV-10.removed-device-is-out-at-once", operations = [RemoveDevice, WhoAmI])]
    async fn removed_device_is_out_at_once(cx: &mut Context) -> CheckResult {
        let (_, mut phone, mut tablet, id) = pair(cx).await?;
        let before = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        remove(cx, &mut phone, &id).await?;
        let after = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        assert_refused("the session of a removed device", &after, &before)
    }

    /// a removed device cannot renew its session
    #[check(
        "DEV-10.refresh-dies-with-removal",
        operations = [RemoveDevice, WhoAmI, Refresh],
        capabilities = [RefreshCredential]
    )]
    async fn refresh_dies_with_removal(cx: &mut Context) -> CheckResult {
        let (_, mut phone, mut tablet, id) = pair(cx).await?;
        let before = cx.perform(&mut tablet, Operation::Refresh {}).await?;
        remove(cx, &mut phone, &id).await?;
        let after = cx.perform(&mut tablet, Operation::Refresh {}).await?;
        assert_refused("renewing the session of a removed device", &after, &before)
    }

    /// a removed device receives no code
    #[check("DEV-10.no-push-after-removal", operations = [RemoveDevice, WhoAmI], capabilities = [Trust, Push])]
    async fn no_push_after_removal(cx: &mut Context) -> CheckResult {
        let (account, mut phone, tablet, id) = pair(cx).await?;
        remove(cx, &mut phone, &id).await?;
        let cursor = cx.cursor();
        let mut new = cx.device("new phone");
        cx.challenged(&mut new, &account).await?;
        let came = cx.settled_for(cursor, &account).await?;
        let to = |device: &Device| {
            let own = |message: &&Message| Some(&message.to) == device.push_token.as_ref();
            came.iter().filter(own).count()
        };
        if to(&phone) == 0 {
            return not_tested("the device that stayed got no push either");
        }
        assert_that(
            "no code goes to a removed device",
            to(&tablet) == 0,
            format!("{} messages reached it", to(&tablet)),
        )
    }

    /// a removed device that still holds its trust credential is asked for a code
    #[check("DEV-11.removed-device-needs-a-code", operations = [RemoveDevice, WhoAmI, SignOut], capabilities = [Trust])]
    async fn removed_device_needs_a_code(cx: &mut Context) -> CheckResult {
        let (account, mut phone, mut tablet, id) = pair(cx).await?;
        remove(cx, &mut phone, &id).await?;
        let removed = cx.sign_in(&mut tablet, &account).await?;
        let kept = sign_in_again(cx, &mut phone, &account).await?;
        assert_challenged("a removed device", &removed, &kept)
    }

    /// after the removed device verified again its old trust credential is still worth nothing
    #[check("DEV-11.old-trust-stays-dead", operations = [RemoveDevice, WhoAmI, SignOut], capabilities = [Trust], moves_clock)]
    async fn old_trust_stays_dead(cx: &mut Context) -> CheckResult {
        let (account, mut phone, mut tablet, id) = pair(cx).await?;
        let mut keeper = tablet.clone();
        remove(cx, &mut phone, &id).await?;
        cx.target.set_credential(&mut tablet, CredentialKind::Trust, None);
        cx.trust(&mut tablet, &account).await?;
        cool_down(cx).await?;
        let old = cx.sign_in(&mut keeper, &account).await?;
        let new = sign_in_again(cx, &mut phone, &account).await?;
        assert_challenged("the trust credential from before the removal", &old, &new)
    }

    /// removing one device leaves the sessions and the trust of the others
    #[check("DEV-12.others-stay", operations = [RemoveDevice, WhoAmI, SignOut], capabilities = [Trust])]
    async fn others_stay(cx: &mut Context) -> CheckResult {
        let (account, mut phone, mut tablet, id) = pair(cx).await?;
        let mut laptop = second(cx, "laptop", &account).await?;
        let before = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        remove(cx, &mut phone, &id).await?;
        let removed = cx.perform(&mut tablet, Operation::WhoAmI {}).await?;
        let proof = assert_refused("the session of the removed device", &removed, &before)?;
        let session = cx.perform(&mut laptop, Operation::WhoAmI {}).await?;
        let skips = sign_in_again(cx, &mut laptop, &account).await?;
        let alone = "a device that stayed signs in with the password alone";
        Ok(proof
            .and(assert_accepted("the session of a device that stayed", &session)?)
            .and(assert_outcome(alone, &skips, Outcome::SignedIn)?))
    }

    /// a device that removes itself gets its answer and is out at the next request
    #[check("DEV-12.self-removal-ends-the-session", operations = [RemoveDevice, WhoAmI])]
    async fn self_removal_ends_the_session(cx: &mut Context) -> CheckResult {
        let mut phone = cx.member().await?.phone;
        let before = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        let id = id_of(cx, &mut phone).await?;
        let removal = cx.perform(&mut phone.clone(), Operation::RemoveDevice { id }).await?;
        if !removal.accepted() {
            return not_tested(format!(
                "the target does not let a device remove itself: {}",
                describe(&removal)
            ));
        }
        let after = cx.perform(&mut phone, Operation::WhoAmI {}).await?;
        assert_refused("the session of a device that removed itself", &after, &before)
    }

    /// after the last device is removed a new one gets in by an emailed code
    #[check("DEV-12.last-removal-leaves-email", operations = [RemoveDevice, WhoAmI], capabilities = [Trust, Email])]
    async fn last_removal_leaves_email(cx: &mut Context) -> CheckResult {
        let Member { account, mut phone } = cx.member().await?;
        let id = id_of(cx, &mut phone).await?;
        let removal = cx.perform(&mut phone, Operation::RemoveDevice { id }).await?;
        if !removal.accepted() {
            return not_tested(format!(
                "the target does not let the last device be removed: {}",
                describe(&removal)
            ));
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
        assert_accepted("the emailed code", &verify)
    }
);
