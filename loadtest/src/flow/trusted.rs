//! What people do on a trusted device: no code is asked for.

use goose::goose::{GooseUser, TransactionResult};
use targets::{Operation, Outcome};

use super::error::FlowError;
use super::virtual_user::{Device, VirtualUser, done, signed_in};
use crate::history::Call;
use crate::measure::Ending;

pub async fn trusted_sign_in(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.trusted_phone()?;
    let asked_for_a_code = enter(user, &mut device).await?;
    user.who_am_i(&mut device).await?;
    unless(asked_for_a_code)
}

/// Renews the session.
pub async fn refresh(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.trusted_phone()?;
    let asked_for_a_code = enter(user, &mut device).await?;
    user.ask(&mut device, Operation::Refresh {}, Call::Refresh, signed_in).await?;
    user.who_am_i(&mut device).await?;
    unless(asked_for_a_code)
}

/// Ends the session.
pub async fn sign_out(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.trusted_phone()?;
    let asked_for_a_code = enter(user, &mut device).await?;
    user.ask(&mut device, Operation::SignOut {}, Call::SignOut, done).await?;
    unless(asked_for_a_code)
}

/// A flow that went on to its end, and is refused all the same where a code was asked for.
pub(super) fn unless(asked_for_a_code: Option<FlowError>) -> TransactionResult {
    asked_for_a_code.map_or(Ok(()), |error| Err(error.into()))
}

/// Signs in on the trusted device. One that holds no trust token is asked for a code and gets a token with it; so is one whose token
/// the service did not take, but that is a refusal, which is given back to be the flow's ending.
pub(super) async fn enter(user: &mut VirtualUser, device: &mut Device) -> Result<Option<FlowError>, FlowError> {
    let presents = device.phone.trust.is_some();
    let either = |outcome: &Outcome| matches!(outcome, Outcome::SignedIn | Outcome::Challenged);
    let asked = user.sign_in(device, either).await?;
    if !asked.is(&Outcome::Challenged) {
        return Ok(None);
    }
    user.second_step(device, asked.at).await?;
    Ok(presents.then(|| FlowError::new(Ending::Refused, "sign_in: a code was asked for on a trusted device")))
}
