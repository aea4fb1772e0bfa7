//! A new device is signed in, removed on the trusted one, and tries again: its session, its renewal and its trust are over.

use std::sync::Arc;

use goose::goose::{GooseUser, TransactionResult};
use targets::{Operation, Outcome, Refusal};
use tokio::sync::Mutex;

use super::error::FlowError;
use super::trusted;
use super::virtual_user::{Device, VirtualUser, challenged, done};
use crate::history::Call;
use crate::measure::Ending;

pub async fn remove_device(goose: &mut GooseUser) -> TransactionResult {
    let user = VirtualUser::of(goose);
    let mut owner = user.trusted_phone()?;
    let asked_for_a_code = trusted::enter(user, &mut owner).await?;
    let other_line = Arc::new(Mutex::new(user.now.lines.open(user.now.identity.source)));
    let mut other = user.new_phone(&other_line);
    other.phone.app_version = Some(user.now.profile.served.clone());
    let asked = user.sign_in(&mut other, challenged).await?;
    user.second_step(&mut other, asked.at).await?;
    let id = match user.who_am_i(&mut other).await?.reply.facts.device_id {
        Some(id) => id,
        None => by_label(user, &mut owner, &other.phone.name).await?,
    };
    let call = Call::Remove { device: other.number };
    user.ask(&mut owner, Operation::RemoveDevice { id }, call, done).await?;
    let out = |outcome: &Outcome| {
        *outcome
            == Outcome::Refused {
                reason: Refusal::Session,
            }
    };
    user.ask(&mut other, Operation::WhoAmI {}, Call::Use, out).await?;
    if other.phone.refresh.is_some() {
        user.ask(&mut other, Operation::Refresh {}, Call::Refresh, out).await?;
    }
    // Its trust has ended, too: it is asked for a code like any other.
    user.sign_in(&mut other, challenged).await?;
    trusted::unless(asked_for_a_code)
}

/// Finds the device in the list, where the service does not tell a device its own id.
async fn by_label(user: &mut VirtualUser, owner: &mut Device, label: &str) -> Result<String, FlowError> {
    let asked = user.ask(owner, Operation::ListDevices {}, Call::Use, done).await?;
    let mut rows = asked.reply.facts.devices.into_iter();
    let row = rows.find(|(_, name)| name == label);
    row.map(|(id, _)| id)
        .ok_or_else(|| FlowError::new(Ending::Failed, "list_devices: the new device is not in it"))
}
