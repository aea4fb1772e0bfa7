//! The device list.

use super::audit::AuditContext;
use super::{DeviceRow, Problem, Service};
use crate::account::{DeviceId, Outcome};
use crate::policy::Event;
use crate::policy::devices::rename;

impl Service {
    pub async fn devices(&self, access: &str) -> Result<Vec<DeviceRow>, Problem> {
        self.read_session(access, |account, session, at| {
            Ok(account
                .devices
                .iter()
                .map(|device| self.device_row(device, device.id == session.device, at))
                .collect())
        })
        .await
    }

    pub async fn rename_device(&self, access: &str, id: &DeviceId, name: &str) -> Result<DeviceRow, Problem> {
        self.change_session(access, |account, session, at, effects| {
            let current = account.session(session).is_some_and(|session| session.device == *id);
            let device = account.device_mut(id).ok_or(Problem::NotFound)?;
            rename(device, name);
            let row = self.device_row(device, current, at);
            let context = AuditContext::of_session(account, session, Some(id));
            effects.record(account, at, context, Outcome::DeviceRenamed, None);
            Ok(row)
        })
        .await
    }

    /// Removes a device. Unknown, foreign and repeated are all the same to the caller (DEV-09).
    pub async fn remove_device(&self, access: &str, id: &DeviceId) -> Result<(), Problem> {
        self.change_session(access, |account, session, at, effects| {
            let known = account.device(id).is_some();
            let context = AuditContext::of_session(account, session, Some(id));
            self.policy().remove_device(account, id);
            if known {
                effects
                    .notices
                    .push(self.notice(account, Event::DeviceRemoved, Some(id), &context, at));
                effects.record(account, at, context, Outcome::DeviceRemoved, None);
            }
            Ok(())
        })
        .await
    }

    /// Registers the asking device for push, or takes its registration away.
    pub async fn register_push(&self, access: &str, token: Option<String>) -> Result<(), Problem> {
        self.change_session(access, |account, session, _, _| {
            let id = account
                .session(session)
                .map(|session| session.device.clone())
                .ok_or(Problem::SessionNotLive)?;
            let device = account.device_mut(&id).ok_or(Problem::SessionNotLive)?;
            device.push_token.clone_from(&token);
            Ok(())
        })
        .await
    }
}
