//! Trusted devices: how a device becomes one, what that is worth, and how it ends.
//!
//! - [`trust`]: granting, recognising and lapsing.
//! - [`list`]: what the owner sees and may rename.
//! - [`removal`]: force log-out, and a code the next time.

pub(crate) mod list;
pub(crate) mod removal;
pub(crate) mod trust;

use targets::{Answer, Device, DeviceRow, Operation};

use crate::context::{Account, Context};
use crate::proof::{CheckError, require};

/// The id under which the account's list has this signed-in device.
async fn id_of(cx: &mut Context, device: &mut Device) -> Result<String, CheckError> {
    let me = cx.prepare(device, Operation::WhoAmI {}).await?;
    if let Some(id) = me.facts.device_id {
        return Ok(id);
    }
    let mut rows = rows(cx, device).await?.into_iter();
    let row = rows.find(|row| row.current == Some(true) || row.name.as_deref() == Some(&device.name));
    require(
        row.map(|row| row.id),
        &format!("{} is not found in the device list", device.name),
    )
}

/// The account's device list, read from this device.
async fn rows(cx: &mut Context, device: &mut Device) -> Result<Vec<DeviceRow>, CheckError> {
    let answer = cx.prepare(device, Operation::ListDevices {}).await?;
    require(answer.facts.devices, "the device list could not be read")
}

/// Signs the device out, and in again with the password.
async fn sign_in_again(cx: &mut Context, device: &mut Device, account: &Account) -> Result<Answer, CheckError> {
    cx.perform(device, Operation::SignOut {}).await?;
    cx.sign_in(device, account).await
}

/// A second device of the account, trusted and signed in.
async fn second(cx: &mut Context, name: &str, account: &Account) -> Result<Device, CheckError> {
    let mut device = cx.device(name);
    cx.trust(&mut device, account).await?;
    Ok(device)
}

/// Rows that are trusted, or may be where the list does not tell.
pub(super) async fn trusted_rows(cx: &mut Context, device: &mut Device) -> Result<usize, CheckError> {
    let rows = rows(cx, device).await?;
    Ok(rows.iter().filter(|row| row.trusted != Some(false)).count())
}
