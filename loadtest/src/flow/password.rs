//! The password is changed on a trusted device, used, and changed back, so that the account can be used again by who comes later.

use targets::Operation;

use super::error::FlowError;
use super::trusted;
use super::virtual_user::{Device, VirtualUser, done};
use crate::client::Line;
use crate::history::Call;

pub(super) async fn go(user: &mut VirtualUser<'_>, line: &mut Line) -> Result<(), FlowError> {
    let mut device = user.trusted_phone(line)?;
    let first = trusted::enter(user, &mut device).await?;
    let former = user.password.clone();
    let new = format!("{former} no. {}", user.visit.nth);
    change(user, &mut device, new).await?;
    let second = trusted::enter(user, &mut device).await?;
    change(user, &mut device, former).await?;
    first.or(second).map_or(Ok(()), Err)
}

async fn change(user: &mut VirtualUser<'_>, device: &mut Device<'_>, new: String) -> Result<(), FlowError> {
    let operation = Operation::ChangePassword {
        current: user.password.clone(),
        new: new.clone(),
    };
    user.ask(device, operation, Call::ChangePassword, done).await?;
    user.password = new;
    Ok(())
}
