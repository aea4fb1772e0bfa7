//! Who gets a code, and who does not.

use std::collections::BTreeSet;

use targets::{Capability, Channel, Device, Operation, OperationKind, RequestMutation};

use crate::check::Check;
use crate::checks::moves::{cool_down, open, switch_to_email};
use crate::context::{Account, Context, Member};
use crate::proof::{Ending, Stop, every, holds};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "METH-03.sign-in-names-no-mailbox",
        title: "a sign-in that names another mailbox sends its code to the registered one alone",
        operations: &[],
        capabilities: &[Capability::Email],
        moves_clock: false,
        run: |cx| Box::pin(sign_in_names_no_mailbox(cx)),
    },
    Check {
        id: "METH-03.switch-names-no-mailbox",
        title: "a switch to email that names another mailbox sends its code to the registered one alone",
        operations: &[OperationKind::SwitchMethod],
        capabilities: &[Capability::Email],
        moves_clock: true,
        run: |cx| Box::pin(switch_names_no_mailbox(cx)),
    },
    Check {
        id: "METH-07.push-reaches-all-and-only-the-trusted",
        title: "a pushed code reaches every trusted device, and neither a removed nor the asking one",
        operations: &[
            OperationKind::RegisterPush,
            OperationKind::RemoveDevice,
            OperationKind::WhoAmI,
        ],
        capabilities: &[Capability::Push, Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(push_reaches_all_and_only_the_trusted(cx)),
    },
    Check {
        id: "METH-07.shared-phone-serves-both-accounts",
        title: "a phone trusted in two accounts gets the codes of both, and other accounts' phones get neither",
        operations: &[OperationKind::RegisterPush],
        capabilities: &[Capability::Push, Capability::Trust],
        moves_clock: false,
        run: |cx| Box::pin(shared_phone_serves_both_accounts(cx)),
    },
];

/// The ways in which a request may name where a code goes.
fn naming(mailbox: &str) -> Vec<RequestMutation> {
    ["to", "cc", "bcc", "destination", "delivery_email", "send_to"]
        .into_iter()
        .map(|field| RequestMutation::SetField(field.to_owned(), mailbox.into()))
        .collect()
}

async fn sign_in_names_no_mailbox(cx: &mut Context) -> Ending {
    let elsewhere = cx.account().await?;
    let mut endings = Vec::new();
    let cursor = cx.cursor();
    for name in naming(&elsewhere.email) {
        let account = cx.account().await?;
        let mut device = cx.device("stranger's phone");
        let sign_in = Operation::SignIn {
            email: account.email.clone(),
            password: account.password.clone(),
        };
        cx.perform_with(&mut device, sign_in, &[name]).await?;
    }
    let strayed = cx.settled_for(cursor, &elsewhere).await?;
    endings.push(holds(
        "no code goes to a mailbox that the sign-in names",
        strayed.is_empty(),
        format!("{} came there", strayed.len()),
    ));
    let account = cx.account().await?;
    let (_, pending) = open(cx, &account).await?;
    endings.push(holds(
        "a plain sign-in's code goes to the registered mailbox",
        pending.method == Channel::Email,
        format!("it went by {:?}", pending.method),
    ));
    every(endings)
}

async fn switch_names_no_mailbox(cx: &mut Context) -> Ending {
    let elsewhere = cx.account().await?;
    let Member { account, .. } = cx.member().await?;
    let (mut device, _) = open(cx, &account).await?;
    let cursor = cx.cursor();
    let sends = usize::try_from(cx.parameters().sends_per_challenge).unwrap_or(1);
    for (nth, name) in naming(&elsewhere.email).into_iter().enumerate() {
        // One that is accepted is a send; beyond the cap of one challenge another takes its place.
        if nth > 0 && nth % sends.saturating_sub(2).max(1) == 0 {
            device = open(cx, &account).await?.0;
        }
        cool_down(cx).await?;
        let switch = Operation::SwitchMethod { method: Channel::Email };
        cx.perform_with(&mut device, switch, &[name]).await?;
    }
    let strayed = cx.settled_for(cursor, &elsewhere).await?;
    let proof = holds(
        "no code goes to a mailbox that the switch names",
        strayed.is_empty(),
        format!("{} came there", strayed.len()),
    )?;
    let (mut device, _) = open(cx, &account).await?;
    let plain = switch_to_email(cx, &mut device, &account).await?;
    Ok(proof.and(holds(
        "a plain switch's code goes to the registered mailbox",
        !plain.code.is_empty(),
        "no code came",
    )?))
}

fn registrations<'d>(devices: impl IntoIterator<Item = &'d Device>) -> BTreeSet<String> {
    devices.into_iter().filter_map(|device| device.push_token.clone()).collect()
}

/// Where the codes of a new device's sign-in were pushed to.
async fn pushed_to(cx: &mut Context, account: &Account) -> Result<(Device, BTreeSet<String>), Stop> {
    let cursor = cx.cursor();
    let mut asking = cx.device("asking phone");
    cx.sign_in(&mut asking, account).await?;
    let came = cx.settled(cursor).await?;
    let pushed = came.into_iter().filter(|message| message.channel == Channel::Push);
    Ok((asking, pushed.map(|message| message.to).collect()))
}

async fn push_reaches_all_and_only_the_trusted(cx: &mut Context) -> Ending {
    let Member { account, phone } = cx.member().await?;
    let mut tablet = cx.device("owner's tablet");
    cx.trust(&mut tablet, &account).await?;
    let mut lost = cx.device("lost phone");
    cx.trust(&mut lost, &account).await?;
    let me = cx.prepare(&mut lost.clone(), Operation::WhoAmI {}).await?;
    let id = me.facts.device_id;
    let id = id.ok_or_else(|| Stop::NotTested("the target does not tell a device's id".to_owned()))?;
    cx.prepare(&mut tablet.clone(), Operation::RemoveDevice { id }).await?;
    let bystander = cx.member().await?;
    let (asking, pushed) = pushed_to(cx, &account).await?;
    let trusted = registrations([&phone, &tablet]);
    let missing: Vec<_> = trusted.difference(&pushed).collect();
    let reached = |device: &Device| device.push_token.as_ref().is_some_and(|token| pushed.contains(token));
    every([
        holds(
            "every trusted device gets the code",
            missing.is_empty(),
            format!("{} did not", missing.len()),
        ),
        holds("the asking device does not get the code", !reached(&asking), "it did"),
        holds("a removed device does not get the code", !reached(&lost), "it did"),
        holds(
            "another account's device does not get the code",
            !reached(&bystander.phone),
            "it did",
        ),
        holds(
            "nobody else gets the code",
            pushed.is_subset(&trusted),
            format!("{} others did", pushed.difference(&trusted).count()),
        ),
    ])
}

async fn shared_phone_serves_both_accounts(cx: &mut Context) -> Ending {
    let Member { account: one, phone } = cx.member().await?;
    let other = cx.account().await?;
    // The same phone and registration, as another person's app on it would hold it.
    let mut beside = cx.device("shared phone");
    beside.push_token.clone_from(&phone.push_token);
    cx.trust(&mut beside, &other).await?;
    let shared = registrations([&phone]);
    let mut endings = Vec::new();
    for account in [&one, &other] {
        let (_, pushed) = pushed_to(cx, account).await?;
        endings.push(holds(
            "a phone shared by two accounts gets the codes of both, and nobody else does",
            pushed == shared,
            format!(
                "the code was pushed to {} registrations, the shared one among them: {}",
                pushed.len(),
                !pushed.is_disjoint(&shared)
            ),
        ));
    }
    every(endings)
}
