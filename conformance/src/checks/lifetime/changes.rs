//! A change of the account's security ends what was pending under the state before.

use targets::{Answer, Capability, Channel, Operation, OperationKind};

use crate::check::Check;
use crate::checks::moves::{cool_down, open, reset_token_since, submit};
use crate::context::{Context, Member};
use crate::proof::{Ending, Stop, every, refused};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "LIFE-05.password-change-ends-challenges",
        title: "a pending code is refused once the owner has changed the password",
        operations: &[OperationKind::ChangePassword],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_after(cx, Change::Password)),
    },
    Check {
        id: "LIFE-05.reset-ends-challenges",
        title: "a pending code is refused once the password was reset by mail",
        operations: &[OperationKind::RequestReset, OperationKind::CompleteReset],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_after(cx, Change::Reset)),
    },
    Check {
        id: "LIFE-05.switching-off-ends-challenges",
        title: "a pending code is refused once two-step verification was switched off",
        operations: &[OperationKind::SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_after(cx, Change::Off)),
    },
    Check {
        id: "LIFE-05.switching-off-and-on-ends-challenges",
        title: "a pending code is refused once two-step verification was switched off and on again",
        operations: &[OperationKind::SetTwoStep],
        capabilities: &[],
        moves_clock: false,
        run: |cx| Box::pin(code_after(cx, Change::OffAndOn)),
    },
    Check {
        id: "LIFE-05.password-change-ends-resends",
        title: "a pending challenge sends no more codes once the owner has changed the password",
        operations: &[OperationKind::ChangePassword, OperationKind::Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(sends_after(cx, Change::Password)),
    },
    Check {
        id: "LIFE-05.reset-ends-resends",
        title: "a pending challenge sends no more codes once the password was reset by mail",
        operations: &[
            OperationKind::RequestReset,
            OperationKind::CompleteReset,
            OperationKind::Resend,
        ],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(sends_after(cx, Change::Reset)),
    },
    Check {
        id: "LIFE-05.switching-off-ends-resends",
        title: "a pending challenge sends no more codes once two-step verification was switched off",
        operations: &[OperationKind::SetTwoStep, OperationKind::Resend],
        capabilities: &[],
        moves_clock: true,
        run: |cx| Box::pin(sends_after(cx, Change::Off)),
    },
];

/// What changes under a pending challenge.
#[derive(Clone, Copy, Debug)]
enum Change {
    Password,
    Reset,
    Off,
    OffAndOn,
}

impl Change {
    fn words(self) -> &'static str {
        match self {
            Change::Password => "the password was changed",
            Change::Reset => "the password was reset",
            Change::Off => "two-step verification was switched off",
            Change::OffAndOn => "two-step verification was switched off and on",
        }
    }

    /// Makes the change, from the owner's trusted phone or by the owner's mailbox.
    async fn make(self, cx: &mut Context, owner: &mut Member) -> Result<(), Stop> {
        let Member { account, phone } = owner;
        let new = format!("{}-new", account.password);
        match self {
            Change::Password => {
                let current = account.password.clone();
                cx.prepare(phone, Operation::ChangePassword { current, new }).await?;
            }
            Change::Reset => {
                let cursor = cx.cursor();
                let email = account.email.clone();
                cx.prepare(phone, Operation::RequestReset { email }).await?;
                let token = reset_token_since(cx, cursor, account).await?;
                cx.prepare(phone, Operation::CompleteReset { token, new }).await?;
            }
            Change::Off | Change::OffAndOn => {
                let password = Some(account.password.clone());
                let off = Operation::SetTwoStep {
                    enabled: false,
                    password: password.clone(),
                };
                cx.prepare(phone, off).await?;
                if matches!(self, Change::OffAndOn) {
                    cx.prepare(phone, Operation::SetTwoStep { enabled: true, password }).await?;
                }
            }
        }
        Ok(())
    }
}

async fn code_after(cx: &mut Context, change: Change) -> Ending {
    let mut changing = cx.member().await?;
    let staying = cx.member().await?;
    let (mut before, pending) = open(cx, &changing.account).await?;
    let (mut beside, twin) = open(cx, &staying.account).await?;
    change.make(cx, &mut changing).await?;
    let bad = submit(cx, &mut before, &pending.code).await?;
    let good = submit(cx, &mut beside, &twin.code).await?;
    refused(&format!("a code from before {}", change.words()), &bad, &good)
}

async fn sends_after(cx: &mut Context, change: Change) -> Ending {
    let mut changing = cx.member().await?;
    let staying = cx.member().await?;
    let (mut before, _) = open(cx, &changing.account).await?;
    let (mut beside, _) = open(cx, &staying.account).await?;
    change.make(cx, &mut changing).await?;
    let mut ways = vec![Operation::Resend {}];
    if cx.target.offers(OperationKind::SwitchMethod) && cx.target.has(Capability::Email) {
        ways.push(Operation::SwitchMethod { method: Channel::Email });
    }
    let mut tries: Vec<(Answer, Answer)> = Vec::new();
    for way in ways {
        cool_down(cx).await?;
        let bad = cx.perform(&mut before, way.clone()).await?;
        let good = cx.perform(&mut beside, way).await?;
        tries.push((bad, good));
    }
    every(tries.iter().map(|(bad, good)| {
        let what = format!("{} on a challenge from before {}", bad.operation, change.words());
        refused(&what, bad, good)
    }))
}
