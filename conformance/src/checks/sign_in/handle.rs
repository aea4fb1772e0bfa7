//! Step two belongs to whoever holds the handle that step one returned.

use serde_json::json;
use targets::{Answer, Capability, Channel, Device, Operation, OperationKind, RequestMutation};

use crate::check::Check;
use crate::checks::moves::{cool_down, handle_of, open, submit, with_handle};
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, asked, every, failed, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "SIGN-03.code-alone-is-not-enough",
        title: "the right code is refused without its handle, whatever account the request names",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_alone_is_not_enough(cx)),
    },
    Check {
        id: "SIGN-03.resend-needs-the-handle",
        title: "a resend without the handle is refused and sends nothing",
        operations: &[OperationKind::Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(sending_needs_the_handle(cx, Operation::Resend {})),
    },
    Check {
        id: "SIGN-03.switch-needs-the-handle",
        title: "a switch to email without the handle is refused and sends nothing",
        operations: &[OperationKind::SwitchMethod],
        capabilities: &[Capability::Email],
        moves_clock: true,
        run: |cx| {
            Box::pin(sending_needs_the_handle(
                cx,
                Operation::SwitchMethod { method: Channel::Email },
            ))
        },
    },
    Check {
        id: "SIGN-03.step-cannot-be-claimed",
        title: "a sign-in that claims to be complete is asked for its code all the same",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(step_cannot_be_claimed(cx)),
    },
    Check {
        id: "SIGN-03.wrong-code-cannot-be-claimed-right",
        title: "a wrong code is refused although the request claims that the step is complete",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(wrong_code_cannot_be_claimed_right(cx)),
    },
];

/// Requests without the handle: with none, an empty one, altered ones, another account's, and with the account's name beside.
async fn handleless(
    cx: &mut Context,
    held: &Device,
    account: &Account,
) -> Result<Vec<(&'static str, Device, Vec<RequestMutation>)>, Stop> {
    let handle = handle_of(cx, held);
    let other = cx.account().await?;
    let (stranger, _) = open(cx, &other).await?;
    let foreign = handle_of(cx, &stranger);
    let reversed: String = handle.chars().rev().collect();
    let named = |field: &str| RequestMutation::SetField(field.to_owned(), account.email.clone().into());
    let names = vec![named("email"), named("account"), named("username")];
    Ok(vec![
        ("no handle", with_handle(cx, None), vec![]),
        ("an empty handle", with_handle(cx, Some(String::new())), vec![]),
        ("a guessed handle", with_handle(cx, Some(reversed)), vec![]),
        ("another account's handle", with_handle(cx, Some(foreign)), vec![]),
        (
            "the account's name for a handle",
            with_handle(cx, Some(account.email.clone())),
            vec![],
        ),
        (
            "the account's email beside the code",
            with_handle(cx, None),
            vec![named("email")],
        ),
        ("the account's name in every field", with_handle(cx, None), names),
    ])
}

async fn code_alone_is_not_enough(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (mut new, pending) = open(cx, &account).await?;
    let mut tries: Vec<(&str, Answer)> = Vec::new();
    for (what, mut device, mutations) in handleless(cx, &new, &account).await? {
        let code = pending.code.clone();
        tries.push((
            what,
            cx.perform_with(&mut device, Operation::Verify { code }, &mutations).await?,
        ));
    }
    let right = submit(cx, &mut new, &pending.code).await?;
    every(
        tries
            .iter()
            .map(|(what, tried)| refused(&format!("the right code with {what}"), tried, &right)),
    )
}

async fn sending_needs_the_handle(cx: &mut Context, how: Operation) -> Ending {
    let Member { account, .. } = cx.member().await?;
    let (mut new, _) = open(cx, &account).await?;
    let devices = handleless(cx, &new, &account).await?;
    cool_down(cx).await?;
    let cursor = cx.cursor();
    let mut tries: Vec<(&str, Answer)> = Vec::new();
    for (what, mut device, mutations) in devices.into_iter().filter(|(what, ..)| *what != "another account's handle") {
        tries.push((what, cx.perform_with(&mut device, how.clone(), &mutations).await?));
    }
    let came = cx.settled_for(cursor, &account).await?;
    if !came.is_empty() {
        return failed("nothing is sent without the handle", format!("{} codes came", came.len()));
    }
    let right = cx.perform(&mut new, how.clone()).await?;
    every(
        tries
            .iter()
            .map(|(what, tried)| refused(&format!("{} with {what}", how.kind()), tried, &right)),
    )
}

/// What a client may claim about the step.
fn claims() -> Vec<RequestMutation> {
    let field = |name: &str, value| RequestMutation::SetField(name.to_owned(), value);
    vec![
        field("step", json!("complete")),
        field("step", json!(2)),
        field("status", json!("verified")),
        field("verified", json!(true)),
    ]
}

async fn step_cannot_be_claimed(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut tries = Vec::new();
    for claim in claims() {
        let mut device = cx.device("stranger's phone");
        let operation = Operation::SignIn {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        let what = format!("a sign-in with {claim:?}");
        tries.push((what, cx.perform_with(&mut device, operation, &[claim]).await?));
    }
    let own = cx.sign_in(&mut phone, &account).await?;
    every(tries.iter().map(|(what, tried)| asked(what, tried, &own)))
}

async fn wrong_code_cannot_be_claimed_right(cx: &mut Context) -> Ending {
    let mut endings = Vec::new();
    for claim in claims() {
        let account = cx.account().await?;
        let (mut new, pending) = open(cx, &account).await?;
        let code = cx.target.wrong_code(&pending.code, 0);
        let what = format!("a wrong code with {claim:?}");
        let wrong = cx
            .perform_with(&mut new.clone(), Operation::Verify { code }, &[claim])
            .await?;
        let right = submit(cx, &mut new, &pending.code).await?;
        endings.push(refused(&what, &wrong, &right));
    }
    every(endings)
}
