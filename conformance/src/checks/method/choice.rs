//! Which method comes first, and that there always is one.

use targets::fakes::{Fault, FaultOrder};
use targets::{Capability, Channel, Device, Message, Operation, OperationKind, Outcome};

use crate::check::Check;
use crate::checks::moves::{open, submit, switch_to_email};
use crate::context::{Account, Context, Member, Pending};
use crate::proof::{Ending, Stop, accepted, asked, describe, every, failed, holds};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "METH-01.push-comes-first",
        title: "while a trusted device can receive push, a sign-in sends its code by push and nothing by email",
        operations: &[],
        capabilities: &[Capability::Push],
        moves_clock: false,
        run: |cx| Box::pin(push_comes_first(cx)),
    },
    Check {
        id: "METH-02.email-where-no-device-is-trusted",
        title: "without a trusted device the code comes by email at once and is accepted",
        operations: &[],
        capabilities: &[Capability::Email],
        moves_clock: false,
        run: |cx| Box::pin(email_where_no_device_is_trusted(cx)),
    },
    Check {
        id: "METH-02.email-is-offered-beside-push",
        title: "a challenge by push names email, and switching brings a code that is accepted",
        operations: &[OperationKind::SwitchMethod],
        capabilities: &[Capability::Push, Capability::Email],
        moves_clock: true,
        run: |cx| Box::pin(email_is_offered_beside_push(cx)),
    },
    Check {
        id: "METH-02.email-when-push-fails",
        title: "when the push provider fails, email still brings a code that is accepted",
        operations: &[OperationKind::SwitchMethod],
        capabilities: &[Capability::Push, Capability::Email, Capability::ProviderFaults],
        moves_clock: true,
        run: |cx| Box::pin(email_when_push_fails(cx)),
    },
    Check {
        id: "METH-05.first-sign-in-needs-a-code",
        title: "the first device of an account is asked for a code from the mailbox, and is trusted after it",
        operations: &[],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(first_sign_in_needs_a_code(cx)),
    },
    Check {
        id: "METH-05.no-device-left-needs-a-code",
        title: "after the last device was removed the password alone opens nothing",
        operations: &[OperationKind::RemoveDevice, OperationKind::ListDevices],
        capabilities: &[Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(no_device_left_needs_a_code(cx)),
    },
];

async fn push_comes_first(cx: &mut Context) -> Ending {
    let Member { account, .. } = cx.member().await?;
    let cursor = cx.cursor();
    let (_, pending) = open(cx, &account).await?;
    let came = cx.settled_for(cursor, &account).await?;
    let by_email = came.iter().filter(|message| message.channel == Channel::Email).count();
    let told = pending.answer.facts.challenge.and_then(|challenge| challenge.method);
    every([
        holds(
            "the code comes by push",
            came.iter().any(|message| message.channel == Channel::Push),
            format!("{} codes came, {by_email} by email", came.len()),
        ),
        holds("no code comes by email unasked", by_email == 0, format!("{by_email} came")),
        holds(
            "the answer says push",
            told.is_none_or(|method| method == Channel::Push),
            format!("it said {told:?}"),
        ),
    ])
}

/// Signs in and gives what came for the account, without asking that anything did.
async fn sign_in_and_wait(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Option<Pending>, Stop> {
    let cursor = cx.cursor();
    let answer = cx.sign_in(device, account).await?;
    if answer.outcome != Outcome::Challenged {
        return Err(Stop::NotTested(format!("no challenge was opened: {}", describe(&answer))));
    }
    let wanted = |message: &Message| message.code.is_some() && message.to.eq_ignore_ascii_case(&account.email);
    let message = cx
        .target
        .deliveries()
        .wait(cursor, cx.target.delivery_patience(), wanted)
        .await;
    Ok(message.map(|message| Pending {
        answer,
        cursor,
        method: message.channel,
        code: message.code.unwrap_or_default(),
    }))
}

async fn email_where_no_device_is_trusted(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let mut device = cx.device("new phone");
    let Some(pending) = sign_in_and_wait(cx, &mut device, &account).await? else {
        return failed(
            "a code comes by email where no device is trusted",
            "none came within the time a delivery may take",
        );
    };
    let told = pending.answer.facts.challenge.clone().unwrap_or_default();
    let proof = holds(
        "the answer names email",
        told.method.is_none_or(|method| method == Channel::Email) || told.methods.contains(&Channel::Email),
        format!("it told {:?} of {:?}", told.method, told.methods),
    )?;
    let answer = submit(cx, &mut device, &pending.code).await?;
    Ok(proof.and(accepted("the code from the mailbox", &answer)?))
}

async fn email_is_offered_beside_push(cx: &mut Context) -> Ending {
    let Member { account, .. } = cx.member().await?;
    let (device, pending) = open(cx, &account).await?;
    email_rescues(
        cx,
        device,
        pending.answer.facts.challenge.unwrap_or_default().methods,
        &account,
    )
    .await
}

/// Email is named at once, and switching to it brings a code that is accepted.
async fn email_rescues(cx: &mut Context, mut device: Device, methods: Vec<Channel>, account: &Account) -> Ending {
    let named = holds(
        "the challenge names email as a way from the start",
        methods.is_empty() || methods.contains(&Channel::Email),
        format!("it named {methods:?}"),
    )?;
    let switched = match switch_to_email(cx, &mut device, account).await {
        Err(Stop::NotTested(reason)) => return failed("switching to email brings a code", reason),
        switched => switched?,
    };
    let answer = submit(cx, &mut device, &switched.code).await?;
    Ok(named.and(accepted("the code that came by email", &answer)?))
}

async fn email_when_push_fails(cx: &mut Context) -> Ending {
    let faults = [
        Fault::Refuse { for_good: true },
        Fault::Refuse { for_good: false },
        Fault::Reset,
        Fault::Lose,
        Fault::Unregistered,
    ];
    let mut endings = Vec::new();
    for fault in faults {
        let Member { account, phone } = cx.member().await?;
        let to = phone.push_token.clone();
        let orders = cx.target.faults().cloned();
        let orders = orders.ok_or_else(|| Stop::NotTested("no faults can be ordered".to_owned()))?;
        orders.order(FaultOrder {
            channel: Channel::Push,
            to: to.clone(),
            times: None,
            fault,
        });
        let mut device = cx.device("new phone");
        let answer = cx.sign_in(&mut device, &account).await?;
        if answer.outcome != Outcome::Challenged {
            return failed(format!("a challenge although push fails ({fault:?})"), describe(&answer));
        }
        let methods = answer.facts.challenge.unwrap_or_default().methods;
        // Told at once: after a breach the next account may not even get the code it begins with.
        endings.push(Ok(email_rescues(cx, device, methods, &account).await?));
        orders.clear_for(&to.unwrap_or_default());
    }
    every(endings)
}

async fn first_sign_in_needs_a_code(cx: &mut Context) -> Ending {
    let account = cx.account().await?;
    let mut first = cx.device("first phone");
    let cursor = cx.cursor();
    let alone = cx.sign_in(&mut first, &account).await?;
    if alone.outcome == Outcome::SignedIn {
        return failed("the first device of an account is asked for a code", describe(&alone));
    }
    let message = cx.code_since(cursor, &account).await?;
    let proof = holds(
        "the code of a first device goes to the mailbox",
        message.channel == Channel::Email,
        format!("it went by {:?}", message.channel),
    )?;
    let code = message.code.unwrap_or_default();
    cx.prepare(&mut first, Operation::Verify { code }).await?;
    let trusted = cx.sign_in(&mut first, &account).await?;
    Ok(proof.and(asked("the first device of an account", &alone, &trusted)?))
}

async fn no_device_left_needs_a_code(cx: &mut Context) -> Ending {
    let Member { account, mut phone } = cx.member().await?;
    let mut kept = cx.member().await?;
    let list = cx.prepare(&mut phone, Operation::ListDevices {}).await?;
    for row in list.facts.devices.unwrap_or_default() {
        cx.prepare(&mut phone, Operation::RemoveDevice { id: row.id }).await?;
    }
    let mut stranger = cx.device("stranger's phone");
    let alone = cx.sign_in(&mut stranger, &account).await?;
    let own = cx.sign_in(&mut kept.phone, &kept.account).await?;
    asked(
        "a device that has only the password, after the last device was removed",
        &alone,
        &own,
    )
}
