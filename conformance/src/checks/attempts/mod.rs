//! Attempts: how often anybody may guess, and what guessing must never do to the owner.
//!
//! - [`budget`]: guesses at codes, per challenge and per account.
//! - [`lock`]: how a limit ends, and what it tells.
//! - [`source`]: guesses per source address.
//! - [`owner`]: the owner's trusted device stays in.
//! - [`shape`]: one request tests one secret, in every place that takes one, under every spelling.

pub(crate) mod budget;
pub(crate) mod lock;
pub(crate) mod owner;
pub(crate) mod shape;
pub(crate) mod source;

use targets::{Answer, Device, Operation, Outcome};

use crate::checks::steps::{guess_wrong, open};
use crate::context::{Account, Context};
use crate::proof::{CheckError, describe, not_tested};

/// Spends this many wrong codes on the account, each device from an address of its own, no challenge beyond its cap.
async fn spend(cx: &mut Context, account: &Account, guesses: u32) -> Result<(), CheckError> {
    let cap = cx.parameters().attempts_per_challenge;
    let mut left = guesses;
    while left > 0 {
        let (mut device, pending) = open(cx, account).await?;
        let now = left.min(cap);
        guess_wrong(cx, &mut device, &pending.code, now).await?;
        left -= now;
    }
    Ok(())
}

/// Signs in with a wrong password.
async fn wrong_password(cx: &mut Context, device: &mut Device, email: &str) -> Result<Answer, CheckError> {
    let operation = Operation::SignIn {
        email: email.to_owned(),
        password: "not the password 1".to_owned(),
    };
    let answer = cx.perform(device, operation).await?;
    match answer.outcome {
        Outcome::SignedIn | Outcome::Challenged => not_tested(format!("a wrong password was accepted: {}", describe(&answer))),
        _ => Ok(answer),
    }
}
