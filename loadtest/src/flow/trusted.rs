//! What people do on a trusted device: no code is asked for.

use targets::{Operation, Outcome};

use super::error::FlowError;
use super::virtual_user::{Device, VirtualUser, done, signed_in};
use crate::client::Line;
use crate::history::Call;
use crate::measure::Ending;
use crate::plan::scenario::Flow;

pub(super) async fn go(user: &mut VirtualUser<'_>, line: &mut Line, flow: Flow) -> Result<(), FlowError> {
    let mut device = user.trusted_phone(line)?;
    let asked_for_a_code = enter(user, &mut device).await?;
    match flow {
        Flow::Refresh => {
            let call = Call::Refresh;
            user.ask(&mut device, Operation::Refresh {}, call, signed_in).await?;
            user.who_am_i(&mut device).await?;
        }
        Flow::SignOut => {
            user.ask(&mut device, Operation::SignOut {}, Call::SignOut, done).await?;
        }
        _ => {
            user.who_am_i(&mut device).await?;
        }
    }
    asked_for_a_code.map_or(Ok(()), Err)
}

/// Signs in on the trusted device. One that holds no trust token is asked for a code and gets a token with it; so is one whose token
/// the service did not take, but that is a refusal, which is given back to be the flow's ending.
pub(super) async fn enter(user: &mut VirtualUser<'_>, device: &mut Device<'_>) -> Result<Option<FlowError>, FlowError> {
    let presents = device.phone.trust.is_some();
    let either = |outcome: &Outcome| matches!(outcome, Outcome::SignedIn | Outcome::Challenged);
    let asked = user.sign_in(device, either).await?;
    if !asked.is(&Outcome::Challenged) {
        return Ok(None);
    }
    user.second_step(device, asked.at).await?;
    Ok(presents.then(|| FlowError::new(Ending::Refused, "sign_in: a code was asked for on a trusted device")))
}
