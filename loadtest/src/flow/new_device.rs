//! What people do on a new device.

use goose::goose::{GooseUser, TransactionResult};
use targets::{Operation, Outcome, Refusal};

use super::codes::Recipients;
use super::error::retry_after;
use super::virtual_user::{VirtualUser, challenged, done};
use crate::history::{Call, CodeUsed};

/// Signs in with the code.
pub async fn new_device(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.new_device();
    let asked = user.sign_in(&mut device, challenged).await?;
    user.second_step(&mut device, asked.at).await?;
    user.who_am_i(&mut device).await?;
    Ok(())
}

/// Lets the cool-down pass, whether or not the first code came, and asks for another.
pub async fn resend(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let device = &mut user.new_device();
    let asked_at = user.sign_in(device, challenged).await?.at;
    let first = user.letter(device, asked_at, Recipients::All, user.patience(), &[]).await;
    let passed = asked_at.elapsed();
    user.takes(user.now.profile.cooldown.saturating_sub(passed)).await;
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
    user.give(device, code).await?;
    user.who_am_i(device).await?;
    Ok(())
}

/// Types a wrong code first.
pub async fn wrong_then_right(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let device = &mut user.new_device();
    let asked_at = user.sign_in(device, challenged).await?.at;
    let code = user.code(device, asked_at, &[]).await?;
    user.reads_the_code().await;
    let wrong = device.line.lock().await.wrong_code(&code.text, 0);
    let refused = |outcome: &Outcome| *outcome == Outcome::Refused { reason: Refusal::Code };
    user.verify(device, wrong, CodeUsed::Guess, refused).await?;
    user.reads_the_code().await;
    user.give(device, code).await?;
    user.who_am_i(device).await?;
    Ok(())
}

/// Submits the code, and once more after it was accepted. Whatever is said to that, nobody may be signed in by it.
pub async fn submit_twice(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let device = &mut user.new_device();
    let asked_at = user.sign_in(device, challenged).await?.at;
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
    user.who_am_i(device).await?;
    Ok(())
}
