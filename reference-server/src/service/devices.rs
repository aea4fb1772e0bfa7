//! The device list.

use super::{DeviceRow, Problem, Service};
use crate::domain::DeviceId;
use crate::rules::Renaming;

impl Service {
    /// The account's devices.
    pub async fn devices(&self, access: &str) -> Result<Vec<DeviceRow>, Problem> {
        self.in_session(access, |account, session, now| {
            let current = account.session(session).map(|session| session.device.clone());
            Ok(account
                .devices
                .iter()
                .map(|device| self.device_row(device, Some(&device.id) == current.as_ref(), now))
                .collect())
        })
        .await
    }

    /// Changes a device's label.
    pub async fn rename_device(&self, access: &str, id: &DeviceId, renaming: Renaming) -> Result<DeviceRow, Problem> {
        self.in_session(access, |account, session, now| {
            let current = account.session(session).is_some_and(|session| session.device == *id);
            let device = account.device_mut(id).ok_or(Problem::NotFound)?;
            self.parts().rules.devices.rename(device, &renaming);
            Ok(self.device_row(device, current, now))
        })
        .await
    }

    /// Removes a device. Unknown, foreign and repeated are all the same to the caller (DEV-09).
    pub async fn remove_device(&self, access: &str, id: &DeviceId) -> Result<(), Problem> {
        self.in_session(access, |account, _, _| {
            self.parts().rules.devices.remove(account, id);
            Ok(())
        })
        .await
    }

    /// Registers the asking device for push, or takes its registration away.
    pub async fn register_push(&self, access: &str, token: Option<String>) -> Result<(), Problem> {
        self.in_session(access, |account, session, _| {
            let id = account
                .session(session)
                .map(|session| session.device.clone())
                .ok_or(Problem::SessionNotLive)?;
            account
                .device_mut(&id)
                .ok_or(Problem::SessionNotLive)?
                .push_token
                .clone_from(&token);
            Ok(())
        })
        .await
    }
}
