//! What a person on a new phone does: sign in, read the code from the mail, give it, look around, sign out.

use std::time::Duration;

use targets::{Device, Operation, Outcome, Target, TargetError};

/// How long a person waits for the mail.
const MAIL_PATIENCE: Duration = Duration::from_secs(10);

/// Why a journey broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenOff {
    /// A step was answered otherwise than it should be.
    #[error("{step}: {outcome:?}")]
    Answered {
        /// The step.
        step: &'static str,
        /// What came back.
        outcome: Outcome,
    },
    /// No mail with a code came.
    #[error("no code came within {} s", MAIL_PATIENCE.as_secs())]
    NoCode,
    /// The server could not be reached, or answered nothing.
    #[error(transparent)]
    Unreachable(#[from] TargetError),
}

/// The whole journey of the `nth` person, whose account has this address.
pub(crate) async fn new_device(target: &dyn Target, nth: usize, email: &str, password: &str) -> Result<(), BrokenOff> {
    let mut device = Device::new(format!("phone {nth}"), format!("storm-{nth}"));
    let before = target.ledger().mark();
    let sign_in = Operation::SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
    };
    expect(target, &mut device, sign_in, &Outcome::Challenged).await?;
    // By the device's label as well: an account may have two arrivals under way, each with a code of its own.
    let label = format!("Device: {}", device.name);
    let mail = target.ledger().wait(before, MAIL_PATIENCE, |message| {
        message.to == email && message.code.is_some() && message.text.lines().any(|line| line.trim() == label)
    });
    let code = mail.await.and_then(|message| message.code).ok_or(BrokenOff::NoCode)?;
    let verify = Operation::Verify { code };
    expect(target, &mut device, verify, &Outcome::SignedIn).await?;
    for operation in [Operation::WhoAmI {}, Operation::SignOut {}] {
        expect(target, &mut device, operation, &Outcome::Done).await?;
    }
    Ok(())
}

async fn expect(target: &dyn Target, device: &mut Device, operation: Operation, wanted: &Outcome) -> Result<(), BrokenOff> {
    let step = operation.kind().name();
    let answer = target.perform(device, operation).await?;
    if answer.outcome == *wanted {
        return Ok(());
    }
    Err(BrokenOff::Answered {
        step,
        outcome: answer.outcome,
    })
}
