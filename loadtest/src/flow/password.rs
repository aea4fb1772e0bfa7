//! The password is changed on a trusted device, used, and changed back, so that the account can be used again by who comes later.

use targets::Operation;

use super::going::{Going, Hand, done};
use super::off::Way;
use super::trusted;
use crate::client::Line;
use crate::history::Act;

pub(super) async fn go(going: &mut Going<'_>, line: &mut Line) -> Way<()> {
    let mut hand = going.trusted_phone(line)?;
    let first = trusted::enter(going, &mut hand).await?;
    let former = going.password.clone();
    let new = format!("{former} no. {}", going.visit.nth);
    change(going, &mut hand, new).await?;
    let second = trusted::enter(going, &mut hand).await?;
    change(going, &mut hand, former).await?;
    first.or(second).map_or(Ok(()), Err)
}

async fn change(going: &mut Going<'_>, hand: &mut Hand<'_>, new: String) -> Way<()> {
    let operation = Operation::ChangePassword {
        current: going.password.clone(),
        new: new.clone(),
    };
    going.ask(hand, operation, Act::ChangePassword, done).await?;
    going.password = new;
    Ok(())
}
