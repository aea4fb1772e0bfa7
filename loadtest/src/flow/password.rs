//! The password is changed on a trusted device, used, and changed back, so that the account can be used again by who comes later.

use goose::goose::{GooseUser, TransactionResult};
use targets::Operation;

use super::error::FlowError;
use super::trusted;
use super::virtual_user::{Device, VirtualUser, done};
use crate::history::Call;

pub async fn change_password(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut device = user.trusted_phone()?;
    let first = trusted::enter(user, &mut device).await?;
    let former = user.password.clone();
    let new = format!("{former} no. {}", user.now.visit.nth);
    change(user, &mut device, new).await?;
    let second = trusted::enter(user, &mut device).await?;
    change(user, &mut device, former).await?;
    trusted::unless(first.or(second))
}

async fn change(user: &mut VirtualUser, device: &mut Device, new: String) -> Result<(), FlowError> {
    let operation = Operation::ChangePassword {
        current: user.password.clone(),
        new: new.clone(),
    };
    user.ask(device, operation, Call::ChangePassword, done).await?;
    user.password = new;
    Ok(())
}
