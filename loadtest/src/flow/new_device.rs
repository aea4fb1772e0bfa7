//! What people do on a new device.

use std::time::Instant;

use targets::{Operation, Outcome, Refusal};

use super::codes::Recipients;
use super::error::{FlowError, retry_after};
use super::virtual_user::{Device, VirtualUser, challenged, done};
use crate::client::Line;
use crate::history::{Call, CodeUsed};
use crate::plan::scenario::Flow;

pub(super) async fn go(user: &mut VirtualUser<'_>, line: &mut Line, flow: Flow) -> Result<(), FlowError> {
    let mut device = user.new_phone(line);
    let asked = user.sign_in(&mut device, challenged).await?;
    match flow {
        Flow::Resend => again(user, &mut device, asked.at).await?,
        Flow::WrongThenRight => mistyped(user, &mut device, asked.at).await?,
        Flow::SubmitTwice => twice(user, &mut device, asked.at).await?,
        _ => user.second_step(&mut device, asked.at).await?,
    }
    user.who_am_i(&mut device).await?;
    Ok(())
}

/// Lets the cool-down pass, whether or not the first code came, and asks for another.
async fn again(user: &mut VirtualUser<'_>, device: &mut Device<'_>, asked_at: Instant) -> Result<(), FlowError> {
    let first = user.letter(device, asked_at, Recipients::All, user.patience(), &[]).await;
    let passed = asked_at.elapsed();
    user.takes(user.profile.cooldown.saturating_sub(passed)).await;
    let call = Call::Resend {
        challenge: device.pending.number,
    };
    let either = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Limited { .. });
    let mut asked = user.ask(device, Operation::Resend {}, call, either).await?;
    if !asked.is(&Outcome::Done) {
        // The service's clock had the cool-down end a little later.
        user.takes(retry_after(&asked.reply.outcome).unwrap_or_default()).await;
        asked = user.ask(device, Operation::Resend {}, call, done).await?;
    }
    let taken: Vec<u64> = first.iter().map(|letter| letter.number).collect();
    let code = user.code(device, asked.at, &taken).await?;
    user.reads_the_code().await;
    user.give(device, code).await
}

/// Types a wrong code first.
async fn mistyped(user: &mut VirtualUser<'_>, device: &mut Device<'_>, asked_at: Instant) -> Result<(), FlowError> {
    let code = user.code(device, asked_at, &[]).await?;
    user.reads_the_code().await;
    let wrong = device.line.wrong_code(&code.text, 0);
    let refused = |outcome: &Outcome| *outcome == Outcome::Refused { reason: Refusal::Code };
    user.verify(device, wrong, CodeUsed::Guess, refused).await?;
    user.reads_the_code().await;
    user.give(device, code).await
}

/// Submits the code, and once more after it was accepted. Whatever is said to that, nobody may be signed in by it.
async fn twice(user: &mut VirtualUser<'_>, device: &mut Device<'_>, asked_at: Instant) -> Result<(), FlowError> {
    let code = user.code(device, asked_at, &[]).await?;
    user.reads_the_code().await;
    let (text, code_used) = (code.text.clone(), code.code_used);
    user.give(device, code).await?;
    let spent = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Refused { .. } | Outcome::Limited { .. } | Outcome::Unrecognised
        )
    };
    user.verify(device, text, code_used, spent).await?;
    Ok(())
}
