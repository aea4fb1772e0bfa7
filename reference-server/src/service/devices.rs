//! The device list.

use super::audit::AuditContext;
use super::{DeviceRow, Problem, Service};
use crate::account::{DeviceId, Outcome};
use crate::policy::Event;
use crate::policy::devices::rename;

impl Service {
    /// The account's devices.
    pub async fn devices(&self, access: &str) -> Result<Vec<DeviceRow>, Problem> {
        self.in_session(access, |account, session, at| {
            let current = account.session(session).map(|session| session.device.clone());
            Ok(account
                .devices
                .iter()
                .map(|device| self.device_row(device, Some(&device.id) == current.as_ref(), at))
                .collect())
        })
        .await
    }

    /// Changes a device's label.
    pub async fn rename_device(&self, access: &str, id: &DeviceId, name: &str) -> Result<DeviceRow, Problem> {
        self.in_session(access, |account, session, at| {
            let current = account.session(session).is_some_and(|session| session.device == *id);
            let device = account.device_mut(id).ok_or(Problem::NotFound)?;
            rename(device, name);
            let row = self.device_row(device, current, at);
            let context = AuditContext::of_session(account, session, Some(id));
            self.record(account, at, context, Outcome::DeviceRenamed, None);
            Ok(row)
        })
        .await
    }

    /// Removes a device. Unknown, foreign and repeated are all the same to the caller (DEV-09).
    pub async fn remove_device(&self, access: &str, id: &DeviceId) -> Result<(), Problem> {
        let notice = self.in_session(access, |account, session, at| {
            let known = account.device(id).is_some();
            let context = AuditContext::of_session(account, session, Some(id));
            self.policy().remove_device(account, id);
            Ok(known.then(|| {
                let notice = self.notice(account, Event::DeviceRemoved, Some(id), &context, at);
                self.record(account, at, context, Outcome::DeviceRemoved, None);
                notice
            }))
        });
        if let Some(notice) = notice.await? {
            self.enqueue(notice);
        }
        Ok(())
    }

    /// Registers the asking device for push, or takes its registration away.
    pub async fn register_push(&self, access: &str, token: Option<String>) -> Result<(), Problem> {
        self.in_session(access, |account, session, _| {
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
