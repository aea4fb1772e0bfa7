//! A code is accepted once and consumes its challenge; a wrong guess consumes nothing but itself.

use targets::{Answer, Capability, Channel, Operation, OperationKind};

use crate::check::Check;
use crate::checks::moves::{Drift, cool_down, guess_wrong, open, submit};
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, accepted, every, failed, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "LIFE-03.code-works-once",
        title: "a code that was accepted is refused on its own handle, from the same and from another device",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_works_once(cx)),
    },
    Check {
        id: "LIFE-03.code-stays-spent-after-sign-out",
        title: "a code that was accepted is refused after its session has ended",
        operations: &[OperationKind::SignOut],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_stays_spent_after_sign_out(cx)),
    },
    Check {
        id: "LIFE-03.spent-code-opens-no-other-challenge",
        title: "a code that was accepted opens no later challenge of the account",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(spent_code_opens_no_other_challenge(cx)),
    },
    Check {
        id: "LIFE-03.success-ends-the-challenge",
        title: "after its code was accepted nothing more is sent for a challenge",
        operations: &[OperationKind::Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(success_ends_the_challenge(cx)),
    },
    Check {
        id: "LIFE-04.wrong-guesses-keep-the-code",
        title: "one guess below the cap the right code is still accepted",
        operations: &[],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(wrong_guesses_keep_the_code(cx)),
    },
];

async fn code_works_once(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (pending_device, pending) = open(cx, &account).await?;
    let mut signed_in = pending_device.clone();
    let first = submit(cx, &mut signed_in, &pending.code).await?;
    // Once as it was before, once as it is now, and once from elsewhere with the handle alone.
    let mut elsewhere = pending_device.clone();
    elsewhere.source = cx.device("stranger's phone").source;
    let again = submit(cx, &mut pending_device.clone(), &pending.code).await?;
    let later = submit(cx, &mut signed_in, &pending.code).await?;
    let stolen = submit(cx, &mut elsewhere, &pending.code).await?;
    every([
        refused("a spent code on its own handle", &again, &first),
        refused("a spent code on the device that used it", &later, &first),
        refused("a spent code from another device", &stolen, &first),
    ])
}

async fn code_stays_spent_after_sign_out(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (pending_device, pending) = open(cx, &account).await?;
    let mut signed_in = pending_device.clone();
    let first = submit(cx, &mut signed_in, &pending.code).await?;
    if first.accepted() {
        cx.prepare(&mut signed_in, Operation::SignOut {}).await?;
    }
    let again = submit(cx, &mut pending_device.clone(), &pending.code).await?;
    refused("a spent code after its session was signed out", &again, &first)
}

async fn spent_code_opens_no_other_challenge(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let (mut first, spent) = open(cx, &account).await?;
    cx.prepare(
        &mut first,
        Operation::Verify {
            code: spent.code.clone(),
        },
    )
    .await?;
    let (mut second, pending) = open(cx, &account).await?;
    if pending.code == spent.code {
        return Err(Stop::NotTested("the same code was drawn twice".to_owned()));
    }
    let bad = submit(cx, &mut second.clone(), &spent.code).await?;
    let good = submit(cx, &mut second, &pending.code).await?;
    refused("a spent code on a later challenge", &bad, &good)
}

async fn success_ends_the_challenge(cx: &mut Context) -> Ending {
    let Member { account, .. } = cx.member().await?;
    let (used, pending) = open(cx, &account).await?;
    let (waiting, _) = open(cx, &account).await?;
    cx.prepare(&mut used.clone(), Operation::Verify { code: pending.code })
        .await?;
    let mut ways = vec![Operation::Resend {}];
    if cx.target.offers(OperationKind::SwitchMethod) && cx.target.has(Capability::Email) {
        ways.push(Operation::SwitchMethod { method: Channel::Email });
    }
    let mut tries: Vec<(Answer, Answer)> = Vec::new();
    for way in ways {
        cool_down(cx).await?;
        let cursor = cx.cursor();
        let spent = cx.perform(&mut used.clone(), way.clone()).await?;
        let came = cx.settled_for(cursor, &account).await?;
        if !came.is_empty() {
            return failed(
                "nothing is sent for a challenge that was completed",
                format!("{} codes came", came.len()),
            );
        }
        let live = cx.perform(&mut waiting.clone(), way).await?;
        tries.push((spent, live));
    }
    every(tries.iter().map(|(spent, live)| {
        let what = format!("{} on a challenge that was completed", spent.operation);
        refused(&what, spent, live)
    }))
}

async fn wrong_guesses_keep_the_code(cx: &mut Context) -> Ending {
    let cap = cx.parameters().attempts_per_challenge;
    if cap < 2 {
        return Err(Stop::NotApplicable("a challenge takes one guess by declaration".to_owned()));
    }
    let account = cx.account().await?;
    let drift = Drift::start(cx);
    let (mut device, pending) = open(cx, &account).await?;
    guess_wrong(cx, &mut device, &pending.code, cap - 1).await?;
    let right = submit(cx, &mut device, &pending.code).await?;
    drift.within_lifetime(cx)?;
    accepted(&format!("the right code after {} wrong ones", cap - 1), &right)
}
