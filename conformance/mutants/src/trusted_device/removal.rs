//! Removals that reach too far, not far enough, or fail the second time.

use bytes::Bytes;
use http::{Method, Response};
use reference_server::account::{Account, DeviceId, Method as Way, TokenHash};
use reference_server::http::{ApiRequest, Router};
use reference_server::policy::{At, Standard};

use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// A device is removed by its id, whosever it is.
    "remove-by-device-id-only" breaks "DEV-09": http RemoveByDeviceIdOnly {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let device = removed(&request);
            let answer = next.answer(request).await;
            if let Some(device) = device.filter(|_| answer.status().is_success()) {
                let deps = service.deps();
                let remove = |account: &mut Account| deps.policy.remove_device(account, &device);
                deps.store.sweep(remove).await;
            }
            answer
        }
    }

    /// Removing a device that is not there is a server error.
    "second-delete-500" breaks "DEV-09": http SecondDeleteFails {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if let Some(device) = removed(&request)
                && let Some((id, _)) = http_util::signed_in(service, &request).await
            {
                let there = service
                    .deps()
                    .store
                    .transact(&id, |account| account.device(&device).is_some());
                if there.await == Some(false) {
                    return http_util::panicked();
                }
            }
            next.answer(request).await
        }
    }

    /// A pending handle removes the account's devices.
    "pending-removes-devices" breaks "DEV-09": http PendingRemovesDevices {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if let Some(device) = removed(&request)
                && let Some(id) = http_util::pending(service, &request).await
            {
                let deps = service.deps();
                let remove = |account: &mut Account| deps.policy.remove_device(account, &device);
                deps.store.transact(&id, remove).await;
                return http_util::done();
            }
            next.answer(request).await
        }
    }

    /// A removed device's access credential works until it lapses by itself.
    "jwt-outlives-removal" breaks "DEV-10": policy AccessOutlivesRemoval {
        fn remove_device(&self, account: &mut Account, id: &DeviceId) {
            let Some(device) = account.device_mut(id) else { return };
            device.trust = None;
            device.push_token = None;
            let dead = TokenHash::of("nobody's");
            for session in account.sessions.iter_mut().filter(|session| session.device == *id) {
                session.refresh = dead;
            }
        }
    }

    /// A removed device can renew its session.
    "refresh-survives-removal" breaks "DEV-10": policy RefreshSurvivesRemoval {
        fn remove_device(&self, account: &mut Account, id: &DeviceId) {
            account.devices.retain(|device| device.id != *id);
            for session in account.sessions.iter_mut().filter(|session| session.device == *id) {
                session.access_expires_at = session.created_at;
            }
        }
    }

    /// A removed device goes on receiving codes.
    "push-survives-removal" breaks "DEV-10": policy PushSurvivesRemoval {
        fn remove_device(&self, account: &mut Account, id: &DeviceId) {
            account.end_sessions(|session| session.device == *id);
            // The credential is worth nothing from here, and the row goes on standing among those that receive codes.
            if let Some(trust) = account.device_mut(id).and_then(|device| device.trust.as_mut()) {
                trust.token = TokenHash::of("nobody's");
            }
        }
    }

    /// A removed device is signed out, and its trust credential goes on skipping the step.
    "removed-token-still-skips" breaks "DEV-11": policy RemovedTokenStillSkips {
        fn remove_device(&self, account: &mut Account, id: &DeviceId) {
            account.end_sessions(|session| session.device == *id);
            if let Some(device) = account.device_mut(id) {
                device.push_token = None;
            }
        }
    }

    /// An account that has had a device gets its codes by push, even when no device is left.
    "last-device-removal-locks-account" breaks "DEV-12": policy PushToNobody {
        fn first_method(&self, account: &Account, at: At<'_>) -> Option<Way> {
            if account.activity.is_empty() {
                Standard.first_method(account, at)
            } else {
                Some(Way::Push)
            }
        }
    }

    /// A device that removes itself stays signed in.
    "self-removal-keeps-session" breaks "DEV-12": http SelfRemovalKeepsSession {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if let Some(device) = removed(&request)
                && let Some((id, session)) = http_util::signed_in(service, &request).await
            {
                let own = service.deps().store.transact(&id, |account| {
                    let own = account.session(&session).is_some_and(|session| session.device == device);
                    if let Some(device) = account.device_mut(&device).filter(|_| own) {
                        device.trust = None;
                        device.push_token = None;
                    }
                    own
                });
                if own.await == Some(true) {
                    return http_util::done();
                }
            }
            next.answer(request).await
        }
    }

    /// Removing one device ends the sessions of all.
    "removal-signs-everybody-out" breaks "DEV-12": policy RemovalSignsEverybodyOut {
        fn remove_device(&self, account: &mut Account, id: &DeviceId) {
            Standard.remove_device(account, id);
            account.end_sessions(|_| true);
        }
    }
}

/// The device that a request removes.
fn removed(request: &ApiRequest) -> Option<DeviceId> {
    let id = http_util::device_id(request).filter(|_| request.method == Method::DELETE)?;
    Some(DeviceId(id.into()))
}
