//! What people do on a new device.

use std::time::Instant;

use targets::{Operation, Outcome, Refusal};

use super::codes::Recipients;
use super::going::{Going, Hand, challenged, done};
use super::off::{Way, retry_after};
use crate::client::Line;
use crate::history::{Act, Presented};
use crate::plan::scenario::Journey;

pub(super) async fn go(going: &mut Going<'_>, line: &mut Line, journey: Journey) -> Way<()> {
    let mut hand = going.new_phone(line);
    let asked = going.sign_in(&mut hand, challenged).await?;
    match journey {
        Journey::Resend => again(going, &mut hand, asked.at).await?,
        Journey::WrongThenRight => mistyped(going, &mut hand, asked.at).await?,
        Journey::SubmitTwice => twice(going, &mut hand, asked.at).await?,
        _ => going.second_step(&mut hand, asked.at).await?,
    }
    going.who_am_i(&mut hand).await?;
    Ok(())
}

/// Lets the cool-down pass, whether or not the first code came, and asks for another.
async fn again(going: &mut Going<'_>, hand: &mut Hand<'_>, asked_at: Instant) -> Way<()> {
    let first = going.letter(hand, asked_at, Recipients::All, going.patience(), &[]).await;
    let passed = asked_at.elapsed();
    going.takes(going.terms.cooldown.saturating_sub(passed)).await;
    let act = Act::Resend {
        challenge: hand.pending.number,
    };
    let either = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Limited { .. });
    let mut asked = going.ask(hand, Operation::Resend {}, act, either).await?;
    if !asked.is(&Outcome::Done) {
        // The service's clock had the cool-down end a little later.
        going.takes(retry_after(&asked.reply.outcome).unwrap_or_default()).await;
        asked = going.ask(hand, Operation::Resend {}, act, done).await?;
    }
    let taken: Vec<u64> = first.iter().map(|letter| letter.number).collect();
    let code = going.code(hand, asked.at, &taken).await?;
    going.reads_the_code().await;
    going.give(hand, code).await
}

/// Types a wrong code first.
async fn mistyped(going: &mut Going<'_>, hand: &mut Hand<'_>, asked_at: Instant) -> Way<()> {
    let code = going.code(hand, asked_at, &[]).await?;
    going.reads_the_code().await;
    let wrong = hand.line.wrong_code(&code.text, 0);
    let refused = |outcome: &Outcome| *outcome == Outcome::Refused { reason: Refusal::Code };
    going.verify(hand, wrong, Presented::Guess, refused).await?;
    going.reads_the_code().await;
    going.give(hand, code).await
}

/// Submits the code, and once more after it was accepted. Whatever is said to that, nobody may be signed in by it.
async fn twice(going: &mut Going<'_>, hand: &mut Hand<'_>, asked_at: Instant) -> Way<()> {
    let code = going.code(hand, asked_at, &[]).await?;
    going.reads_the_code().await;
    let (text, presented) = (code.text.clone(), code.presented);
    going.give(hand, code).await?;
    let spent = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Refused { .. } | Outcome::Limited { .. } | Outcome::Unrecognised
        )
    };
    going.verify(hand, text, presented, spent).await?;
    Ok(())
}
