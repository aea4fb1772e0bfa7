//! Resend: another code for the same challenge, within limits, for its holder alone.

use targets::{Channel, CredentialKind, Device, Operation, OperationKind};

use crate::checks::steps::{Drift, cool_down, field, handle_of, nothing_sent, open, resend};
use crate::context::{Account, Context, Member, Pending};
use crate::proof::{
    CheckError, CheckResult, assert_accepted, assert_refused, assert_that, describe, failed, not_tested, require,
};

checks!(
    /// after the cool-down a resend brings exactly one new message, and its code signs in
    #[check("RSND-01.resent-code-signs-in", operations = [Resend], moves_clock)]
    async fn resent_code_signs_in(cx: &mut Context) -> CheckResult {
        let (account, mut new, _) = opened(cx).await?;
        cool_down(cx).await?;
        let cursor = cx.cursor();
        let resend = cx.perform(&mut new, Operation::Resend {}).await?;
        let proof = assert_accepted("a resend after the cool-down", &resend)?;
        let came = cx.settled_for(cursor, &account).await?;
        if came.len() != 1 {
            return failed("one new message for one resend", format!("{} messages came", came.len()));
        }
        let Some(code) = came[0].code.clone() else {
            return failed("the message of a resend carries a code", "no code was found in it");
        };
        let verify = cx.perform(&mut new, Operation::Verify { code }).await?;
        Ok(proof.and(assert_accepted("the code of the resent message", &verify)?))
    }

    /// after two resends only the newest code is accepted
    #[check("RSND-02.old-code-is-void", operations = [Resend], moves_clock)]
    async fn old_code_is_void(cx: &mut Context) -> CheckResult {
        let (account, mut new, first) = opened(cx).await?;
        let second = resend(cx, &mut new, &account).await?;
        let third = resend(cx, &mut new, &account).await?;
        if first.code == third.code {
            let expiry = |pending: Pending| pending.answer.facts.challenge.and_then(|facts| facts.expires_at);
            let (before, after) = (expiry(first), expiry(third));
            let what = "a code that is repeated keeps the expiry of its first issue";
            return assert_that(what, before == after, format!("{before:?} became {after:?}"));
        }
        let oldest = cx.perform(&mut new, Operation::Verify { code: first.code }).await?;
        let older = cx.perform(&mut new.clone(), Operation::Verify { code: second.code }).await?;
        let newest = cx.perform(&mut new, Operation::Verify { code: third.code }).await?;
        let proof = assert_refused("the code before two resends", &oldest, &newest)?;
        Ok(proof.and(assert_refused("the code before one resend", &older, &newest)?))
    }

    /// a resend inside the cool-down sends nothing and says when to retry
    #[check("RSND-03.early-resend-sends-nothing", operations = [Resend], moves_clock)]
    async fn early_resend_sends_nothing(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let mut new = cx.device("new phone");
        let drift = Drift::start(cx);
        cx.challenged(&mut new, &account).await?;
        let cursor = cx.cursor();
        let early = cx.perform(&mut new, Operation::Resend {}).await?;
        drift.within_cool_down(cx)?;
        nothing_sent(cx, cursor, &account, "no message for a resend inside the cool-down").await?;
        cool_down(cx).await?;
        let late = cx.perform(&mut new, Operation::Resend {}).await?;
        let proof = assert_refused("a resend inside the cool-down", &early, &late)?;
        let told = early.retry_after().map(|wait| wait.as_secs());
        let declared = cx.parameters().resend_cooldown_s;
        Ok(proof.and(assert_that(
            "the refusal says when to retry, within the declared cool-down",
            told.is_some_and(|seconds| seconds >= 1 && seconds <= declared),
            format!("Retry-After was {told:?}, the declared cool-down is {declared} s"),
        )?))
    }

    /// a resend inside the cool-down leaves the code as it was
    #[check("RSND-03.early-resend-keeps-the-code", operations = [Resend])]
    async fn early_resend_keeps_the_code(cx: &mut Context) -> CheckResult {
        let (_, mut new, pending) = opened(cx).await?;
        let early = cx.perform(&mut new, Operation::Resend {}).await?;
        if early.accepted() {
            return not_tested("the target has no cool-down, so no resend is early");
        }
        let verify = cx.perform(&mut new, Operation::Verify { code: pending.code }).await?;
        assert_accepted("the code after a resend that was refused", &verify)
    }

    /// signing in twice from one device inside the cool-down sends one message
    #[check("RSND-03.double-tap-sends-one-message")]
    async fn double_tap_sends_one_message(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let mut new = cx.device("new phone");
        let mut again = new.clone();
        let cursor = cx.cursor();
        let drift = Drift::start(cx);
        cx.challenged(&mut new, &account).await?;
        cx.sign_in(&mut again, &account).await?;
        drift.within_cool_down(cx)?;
        let came = cx.settled_for(cursor, &account).await?;
        let seen = format!("{} messages came", came.len());
        assert_that("one message for a sign-in tapped twice", came.len() == 1, seen)
    }

    /// a challenge causes no more messages than declared
    #[check("RSND-03.challenge-cap-holds", operations = [Resend], moves_clock)]
    async fn challenge_cap_holds(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let cap = cx.parameters().sends_per_challenge;
        let mut new = cx.device("new phone");
        let cursor = cx.cursor();
        cx.challenged(&mut new, &account).await?;
        let mut within = None;
        for _ in 1..cap {
            cool_down(cx).await?;
            within = Some(cx.prepare(&mut new, Operation::Resend {}).await?);
        }
        cool_down(cx).await?;
        let beyond = cx.perform(&mut new, Operation::Resend {}).await?;
        let came = cx.settled_for(cursor, &account).await?;
        let proof = assert_that(
            "no more messages for one challenge than declared",
            came.len() as u32 <= cap,
            format!("{} messages came, {cap} are declared", came.len()),
        )?;
        let refused = match within {
            Some(within) => assert_refused("the send beyond the cap of the challenge", &beyond, &within),
            None => assert_that("no resend is accepted at a cap of one", !beyond.accepted(), describe(&beyond)),
        };
        Ok(proof.and(refused?))
    }

    /// all challenges of an account together cause no more messages a day than declared
    #[check("RSND-03.account-cap-holds", operations = [Resend], moves_clock)]
    async fn account_cap_holds(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
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
            return not_tested(format!(
                "live challenges and their caps allow {reachable} sends, below the declared {cap}"
            ));
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
        let last = require(devices.last_mut(), "no live challenge is allowed")?;
        let beyond = cx.perform(last, Operation::Resend {}).await?;
        let came = cx.settled_for(cursor, &account).await?;
        let proof = assert_that(
            "no more messages for one account in a day than declared",
            (came.len() as u32) < cap,
            format!("{} messages came, {cap} are declared", came.len() + 1),
        )?;
        let within = require(within, "the cap was reached without a resend")?;
        Ok(proof.and(assert_refused("the send beyond the cap of the account", &beyond, &within)?))
    }

    /// naming the account is not enough to have a code sent
    #[check("RSND-04.handle-is-required", operations = [Resend], moves_clock)]
    async fn handle_is_required(cx: &mut Context) -> CheckResult {
        let (account, mut new, _) = opened(cx).await?;
        cool_down(cx).await?;
        let cursor = cx.cursor();
        let mut bare = cx.device("stranger's phone");
        let by_name = [field("email", account.email.clone())];
        let resend = cx.perform_with(&mut bare, Operation::Resend {}, &by_name).await?;
        let mut guessing = bare.clone();
        let guess: String = handle_of(cx, &new).chars().rev().collect();
        cx.target.set_credential(&mut guessing, CredentialKind::Handle, Some(guess));
        let guessed = cx.perform(&mut guessing, Operation::Resend {}).await?;
        nothing_sent(cx, cursor, &account, "no message without the pending handle").await?;
        let with_handle = cx.perform(&mut new, Operation::Resend {}).await?;
        let proof = assert_refused("a resend that names the account and holds no handle", &resend, &with_handle)?;
        Ok(proof.and(assert_refused("a resend with a guessed handle", &guessed, &with_handle)?))
    }

    /// a resend or switch that names another mailbox sends nothing there
    #[check("RSND-04.destination-cannot-be-named", operations = [Resend], moves_clock)]
    async fn destination_cannot_be_named(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
        let elsewhere = cx.account().await?;
        let mut new = cx.device("new phone");
        cx.challenged(&mut new, &account).await?;
        cool_down(cx).await?;
        let cursor = cx.cursor();
        for name in ["email", "to", "cc", "destination", "phone"] {
            let named = [field(name, elsewhere.email.clone())];
            cx.perform_with(&mut new, Operation::Resend {}, &named).await?;
            if cx.target.offers(OperationKind::SwitchMethod) {
                let switch = Operation::SwitchMethod { method: Channel::Email };
                cx.perform_with(&mut new, switch, &named).await?;
            }
        }
        let strayed = cx.settled_for(cursor, &elsewhere).await?;
        let proof = assert_that(
            "nothing is sent to a mailbox that the request names",
            strayed.is_empty(),
            format!("{} messages came to the named mailbox", strayed.len()),
        )?;
        cool_down(cx).await?;
        let plain = cx.perform(&mut new, Operation::Resend {}).await?;
        Ok(proof.and(assert_accepted("the same resend without a named mailbox", &plain)?))
    }

    /// another sign-in to the account and its resends leave the owner's own code usable
    #[check("RSND-05.owners-code-survives-others", operations = [Resend], capabilities = [CodePerChallenge], moves_clock)]
    async fn owners_code_survives_others(cx: &mut Context) -> CheckResult {
        let Member { account, .. } = cx.member().await?;
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
        assert_accepted("the owner's code after somebody else's sign-in and resends", &verify)
    }
);

/// An account with a trusted phone, and a new phone of it with a pending challenge.
async fn opened(cx: &mut Context) -> Result<(Account, Device, Pending), CheckError> {
    let Member { account, .. } = cx.member().await?;
    let (device, pending) = open(cx, &account).await?;
    Ok((account, device, pending))
}
