//! Binding: a code belongs to one account, one challenge, one device, one purpose.

use serde_json::json;
use targets::{Answer, Capability, CredentialKind, Device, Operation, OperationKind, RequestMutation};

use crate::check::Check;
use crate::checks::moves::{handle_of, is_not_signed_in, open, reset_token_since, submit};
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, accepted, asked, every, failed, holds, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "BIND-01.code-of-another-account-is-refused",
        title: "each of two accounts' codes is refused on the other's challenge and accepted on its own",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_of_another_account_is_refused(cx)),
    },
    Check {
        id: "BIND-01.foreign-codes-count",
        title: "another account's code counts as a wrong guess",
        operations: &[],
        capabilities: &[Capability::Limits],
        moves_clock: false,
        run: |cx| Box::pin(foreign_codes_count(cx)),
    },
    Check {
        id: "BIND-02.code-of-another-challenge-is-refused",
        title: "each of two challenges' codes is refused on the other and accepted on its own",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_of_another_challenge_is_refused(cx)),
    },
    Check {
        id: "BIND-03.device-is-fixed-at-step-one",
        title: "a device named beside the code neither becomes trusted nor takes the place of the one that signed in",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(device_is_fixed_at_step_one(cx)),
    },
    Check {
        id: "BIND-04.sign-in-code-authorises-nothing-else",
        title: "a sign-in code is refused where a password or a reset token is asked for",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(sign_in_code_authorises_nothing_else(cx)),
    },
    Check {
        id: "BIND-04.reset-token-is-no-code",
        title: "a reset token is refused where a sign-in code is asked for",
        operations: &[OperationKind::RequestReset],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(reset_token_is_no_code(cx)),
    },
    Check {
        id: "BIND-05.account-cannot-be-named",
        title: "a code submitted with another account's name opens no session of that account",
        operations: &[OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(account_cannot_be_named(cx)),
    },
    Check {
        id: "BIND-05.completing-one-upgrades-no-other",
        title: "in a client with two pending sign-ins, completing one opens nothing of the other",
        operations: &[OperationKind::WhoAmI],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(completing_one_upgrades_no_other(cx)),
    },
];

async fn code_of_another_account_is_refused(cx: &mut Context) -> Ending {
    let (one, other) = (cx.account().await?, cx.account().await?);
    let (mut a, of_a) = open(cx, &one).await?;
    let (mut b, of_b) = open(cx, &other).await?;
    different(&of_a.code, &of_b.code)?;
    let b_on_a = submit(cx, &mut a.clone(), &of_b.code).await?;
    let a_on_b = submit(cx, &mut b.clone(), &of_a.code).await?;
    let a_on_a = submit(cx, &mut a, &of_a.code).await?;
    let b_on_b = submit(cx, &mut b, &of_b.code).await?;
    every([
        refused("another account's code", &b_on_a, &a_on_a),
        refused("the code of the first account on the second", &a_on_b, &b_on_b),
    ])
}

fn different(one: &str, other: &str) -> Result<(), Stop> {
    if one == other {
        return Err(Stop::NotTested("by chance both challenges have the same code".to_owned()));
    }
    Ok(())
}

async fn foreign_codes_count(cx: &mut Context) -> Ending {
    let cap = cx.parameters().attempts_per_challenge;
    let spent = after_foreign_codes(cx, cap).await?;
    let left = after_foreign_codes(cx, cap - 1).await?;
    refused(&format!("the right code after {cap} codes of another account"), &spent, &left)
}

/// The right code after another account's was submitted this often.
async fn after_foreign_codes(cx: &mut Context, times: u32) -> Result<Answer, Stop> {
    let (one, other) = (cx.account().await?, cx.account().await?);
    let (mut device, own) = open(cx, &one).await?;
    let (_, foreign) = open(cx, &other).await?;
    different(&own.code, &foreign.code)?;
    for _ in 0..times {
        submit(cx, &mut device, &foreign.code).await?;
    }
    submit(cx, &mut device, &own.code).await
}

async fn code_of_another_challenge_is_refused(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (mut first, of_first) = open(cx, &account).await?;
    let (mut second, of_second) = open(cx, &account).await?;
    different(&of_first.code, &of_second.code)?;
    let first_on_second = submit(cx, &mut second.clone(), &of_first.code).await?;
    let second_on_first = submit(cx, &mut first.clone(), &of_second.code).await?;
    let second_on_second = submit(cx, &mut second, &of_second.code).await?;
    let later = refused(
        "an earlier challenge's code on a later one",
        &first_on_second,
        &second_on_second,
    );
    let earlier = "a later challenge's code on an earlier one";
    if !cx.target.has(Capability::CodePerChallenge) {
        // A new challenge ends the one before by declaration, so that only the refusals are left to see.
        return every([later, refused(earlier, &second_on_first, &second_on_second)]);
    }
    let first_on_first = submit(cx, &mut first, &of_first.code).await?;
    every([later, refused(earlier, &second_on_first, &first_on_first)])
}

/// The ways in which a request names a device.
fn naming(device: &Device) -> Vec<RequestMutation> {
    let field = |name: &str, value| RequestMutation::SetField(name.to_owned(), value);
    vec![
        field("device", json!({"installation": device.installation, "name": device.name})),
        field("device_id", json!(device.installation)),
        field("installation", json!(device.installation)),
        field("device_name", json!(device.name)),
        RequestMutation::AddHeader("X-Device-Id".to_owned(), device.installation.clone()),
        RequestMutation::AddCookie("device_id".to_owned(), device.installation.clone()),
    ]
}

async fn device_is_fixed_at_step_one(cx: &mut Context) -> Ending {
    let mut endings = Vec::new();
    let other = cx.device("attacker's phone");
    for name in naming(&other) {
        let account = cx.account().await?;
        let (mut device, pending) = open(cx, &account).await?;
        let verify = Operation::Verify { code: pending.code };
        let named = cx
            .perform_with(&mut device, verify.clone(), std::slice::from_ref(&name))
            .await?;
        if !named.accepted() {
            // Refusing the whole request is as good; the honest one still has to work.
            let honest = cx.perform(&mut device, verify).await?;
            endings.push(refused(&format!("a code with {name:?}"), &named, &honest));
            if !honest.accepted() {
                continue;
            }
        }
        if cx.target.offers(OperationKind::ListDevices) {
            let list = cx.prepare(&mut device, Operation::ListDevices {}).await?;
            let rows = list.facts.devices.unwrap_or_default();
            endings.push(holds(
                &format!("the device named by {name:?} is not in the list"),
                !rows.iter().any(|row| row.name.as_deref() == Some(&other.name)),
                format!("{} devices are listed, one of them by that name", rows.len()),
            ));
        }
        let unknown = cx.sign_in(&mut other.clone(), &account).await?;
        let own = cx.sign_in(&mut device, &account).await?;
        endings.push(asked(&format!("the device named by {name:?}"), &unknown, &own));
    }
    every(endings)
}

async fn sign_in_code_authorises_nothing_else(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let (_, pending) = open(cx, &account).await?;
    let (code, right) = (pending.code.clone(), account.password.clone());
    let mut endings = Vec::new();
    let reauthenticate = |password| Operation::Reauthenticate { password };
    let set = |password| Operation::SetTwoStep {
        enabled: false,
        password,
    };
    let change = |current| Operation::ChangePassword {
        current,
        new: format!("{right}-new"),
    };
    // The right ones come after the wrong ones, the change of the password last: it would void the code.
    let beside = vec![RequestMutation::SetField("code".to_owned(), code.clone().into())];
    let pairs = [
        (
            "a sign-in code for the proof of a password",
            reauthenticate(code.clone()),
            vec![],
            None,
        ),
        (
            "a sign-in code to switch two-step verification off",
            set(Some(code.clone())),
            vec![],
            Some(set(Some(right.clone()))),
        ),
        (
            "a sign-in code beside switching two-step verification off",
            set(None),
            beside,
            Some(set(Some(right.clone()))),
        ),
        (
            "a sign-in code to change the password",
            change(code.clone()),
            vec![],
            Some(change(right.clone())),
        ),
    ];
    let mut bad = Vec::new();
    for (what, operation, mutations, good) in pairs {
        if cx.target.offers(operation.kind()) {
            bad.push((what, cx.perform_with(&mut phone, operation, &mutations).await?, good));
        }
    }
    for (what, bad, good) in bad {
        let good = good.unwrap_or_else(|| reauthenticate(right.clone()));
        let good = cx.perform(&mut phone, good).await?;
        endings.push(refused(what, &bad, &good));
    }
    if cx.target.offers(OperationKind::CompleteReset) && cx.target.offers(OperationKind::RequestReset) {
        endings.push(code_completes_no_reset(cx).await);
    }
    if endings.is_empty() {
        return Err(Stop::NotApplicable(
            "signing in is all that this target has a code for".to_owned(),
        ));
    }
    every(endings)
}

async fn code_completes_no_reset(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let cursor = cx.cursor();
    let mut device = cx.device("new phone");
    let email = account.email.clone();
    cx.prepare(&mut device, Operation::RequestReset { email }).await?;
    let token = reset_token_since(cx, cursor, &account).await?;
    let (_, pending) = open(cx, &account).await?;
    let new = format!("{}-new", account.password);
    let by_code = Operation::CompleteReset {
        token: pending.code,
        new: new.clone(),
    };
    let bad = cx.perform(&mut device, by_code).await?;
    let good = cx.perform(&mut device, Operation::CompleteReset { token, new }).await?;
    refused("a sign-in code for a reset token", &bad, &good)
}

async fn reset_token_is_no_code(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let cursor = cx.cursor();
    let (mut device, pending) = open(cx, &account).await?;
    let email = account.email.clone();
    cx.prepare(&mut device, Operation::RequestReset { email }).await?;
    let token = reset_token_since(cx, cursor, &account).await?;
    let bad = submit(cx, &mut device.clone(), &token).await?;
    let good = submit(cx, &mut device, &pending.code).await?;
    refused("a reset token for a sign-in code", &bad, &good)
}

async fn account_cannot_be_named(cx: &mut Context) -> Ending {
    let Member { account: victim, .. } = cx.member().await?;
    let mut endings = Vec::new();
    for field in ["email", "account", "username", "user_id", "account_id"] {
        let own = cx.account().await?;
        let (mut attacker, pending) = open(cx, &own).await?;
        let verify = Operation::Verify { code: pending.code };
        let named = [RequestMutation::SetField(field.to_owned(), victim.email.clone().into())];
        let answer = cx.perform_with(&mut attacker, verify.clone(), &named).await?;
        if !answer.accepted() {
            let honest = cx.perform(&mut attacker, verify).await?;
            endings.push(refused(
                &format!("a code with the victim's name as `{field}`"),
                &answer,
                &honest,
            ));
            continue;
        }
        let who = cx.prepare(&mut attacker, Operation::WhoAmI {}).await?;
        let email = who.facts.email.unwrap_or_default();
        endings.push(holds(
            &format!("a code with the victim's name as `{field}` signs in to the account of its handle"),
            email.eq_ignore_ascii_case(&own.email),
            format!("it signed in to `{email}`"),
        ));
    }
    every(endings)
}

async fn completing_one_upgrades_no_other(cx: &mut Context) -> Ending {
    let Member { account: victim, phone } = cx.member().await?;
    let own = cx.account().await?;
    let mut client = cx.device("attacker's phone");
    let of_victim = cx.challenged(&mut client, &victim).await?;
    let victims_handle = handle_of(cx, &client);
    let holding_victim = client.clone();
    let of_own = cx.challenged(&mut client, &own).await?;
    different(&of_victim.code, &of_own.code)?;
    let done = submit(cx, &mut client, &of_own.code).await?;
    let proof = accepted("the code of the client's second pending sign-in", &done)?;
    let who = cx.prepare(&mut client, Operation::WhoAmI {}).await?;
    if who
        .facts
        .email
        .as_deref()
        .is_some_and(|email| email.eq_ignore_ascii_case(&victim.email))
    {
        return failed(
            "the client is signed in to the account it completed",
            "it is signed in to the other",
        );
    }
    // What the client held for the other account, with the cookies it has now, and with that handle in place of a session.
    let mut as_it_was = holding_victim.clone();
    as_it_was.jar = client.jar.clone();
    let mut by_handle = as_it_was.clone();
    cx.target
        .set_credential(&mut by_handle, CredentialKind::Access, Some(victims_handle));
    let mut endings = Vec::new();
    if cx.target.credential(&as_it_was, CredentialKind::Access) != cx.target.credential(&client, CredentialKind::Access) {
        endings.extend(is_not_signed_in(cx, "what was held for the other account", &as_it_was, &phone).await?);
    }
    endings.extend(is_not_signed_in(cx, "the handle of the other account", &by_handle, &phone).await?);
    Ok(proof.and(every(endings)?))
}
