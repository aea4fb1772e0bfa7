//! Removals that reach too far, not far enough, or fail the second time.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::account::{Account, DeviceId, Method as Way, TokenHash};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Policy, Standard};

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "remove-by-device-id-only",
        requirement: "DEV-09",
        part: "http",
        summary: "A device is removed by its id, whosever it is.",
        build: |server| server.wrap(RemoveByDeviceIdOnly),
    },
    KnownBad {
        slug: "second-delete-500",
        requirement: "DEV-09",
        part: "http",
        summary: "Removing a device that is not there is a server error.",
        build: |server| server.wrap(SecondDeleteFails),
    },
    KnownBad {
        slug: "pending-removes-devices",
        requirement: "DEV-09",
        part: "http",
        summary: "A pending handle removes the account's devices.",
        build: |server| server.wrap(PendingRemovesDevices),
    },
    KnownBad {
        slug: "jwt-outlives-removal",
        requirement: "DEV-10",
        part: "policy",
        summary: "A removed device's access credential works until it lapses by itself.",
        build: |server| server.deps.policy = Arc::new(AccessOutlivesRemoval),
    },
    KnownBad {
        slug: "refresh-survives-removal",
        requirement: "DEV-10",
        part: "policy",
        summary: "A removed device can renew its session.",
        build: |server| server.deps.policy = Arc::new(RefreshSurvivesRemoval),
    },
    KnownBad {
        slug: "push-survives-removal",
        requirement: "DEV-10",
        part: "policy",
        summary: "A removed device goes on receiving codes.",
        build: |server| server.deps.policy = Arc::new(PushSurvivesRemoval),
    },
    KnownBad {
        slug: "removed-token-still-skips",
        requirement: "DEV-11",
        part: "policy",
        summary: "A removed device is signed out, and its trust credential goes on skipping the step.",
        build: |server| server.deps.policy = Arc::new(RemovedTokenStillSkips),
    },
    KnownBad {
        slug: "last-device-removal-locks-account",
        requirement: "DEV-12",
        part: "policy",
        summary: "An account that has had a device gets its codes by push, even when no device is left.",
        build: |server| server.deps.policy = Arc::new(PushToNobody),
    },
    KnownBad {
        slug: "self-removal-keeps-session",
        requirement: "DEV-12",
        part: "http",
        summary: "A device that removes itself stays signed in.",
        build: |server| server.wrap(SelfRemovalKeepsSession),
    },
    KnownBad {
        slug: "removal-signs-everybody-out",
        requirement: "DEV-12",
        part: "policy",
        summary: "Removing one device ends the sessions of all.",
        build: |server| server.deps.policy = Arc::new(RemovalSignsEverybodyOut),
    },
];

/// The device that a request removes.
fn removed(request: &ApiRequest) -> Option<DeviceId> {
    let id = tools::device_id(request).filter(|_| request.method == Method::DELETE)?;
    Some(DeviceId(id.into()))
}

struct RemoveByDeviceIdOnly;

#[async_trait]
impl Middleware for RemoveByDeviceIdOnly {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let device = removed(&request);
        let answer = next.answer(request).await;
        if let Some(device) = device.filter(|_| answer.status().is_success()) {
            let deps = service.deps();
            let mut remove = |account: &mut Account| deps.policy.remove_device(account, &device);
            deps.store.sweep(&mut remove).await;
        }
        answer
    }
}

struct SecondDeleteFails;

#[async_trait]
impl Middleware for SecondDeleteFails {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if let Some(device) = removed(&request)
            && let Some((id, _)) = tools::signed_in(service, &request).await
        {
            let there = service
                .deps()
                .store
                .transact(&id, |account| account.device(&device).is_some());
            if there.await == Some(false) {
                return tools::panicked();
            }
        }
        next.answer(request).await
    }
}

struct PendingRemovesDevices;

#[async_trait]
impl Middleware for PendingRemovesDevices {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if let Some(device) = removed(&request)
            && let Some(id) = tools::pending(service, &request).await
        {
            let deps = service.deps();
            let remove = |account: &mut Account| deps.policy.remove_device(account, &device);
            deps.store.transact(&id, remove).await;
            return tools::done();
        }
        next.answer(request).await
    }
}

struct AccessOutlivesRemoval;

impl Policy for AccessOutlivesRemoval {
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

struct RefreshSurvivesRemoval;

impl Policy for RefreshSurvivesRemoval {
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        account.devices.retain(|device| device.id != *id);
        for session in account.sessions.iter_mut().filter(|session| session.device == *id) {
            session.access_expires_at = session.created_at;
        }
    }
}

struct PushSurvivesRemoval;

impl Policy for PushSurvivesRemoval {
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        account.end_sessions(|session| session.device == *id);
        // The credential is worth nothing from here, and the row goes on standing among those that receive codes.
        if let Some(trust) = account.device_mut(id).and_then(|device| device.trust.as_mut()) {
            trust.token = TokenHash::of("nobody's");
        }
    }
}

struct RemovedTokenStillSkips;

impl Policy for RemovedTokenStillSkips {
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        account.end_sessions(|session| session.device == *id);
        if let Some(device) = account.device_mut(id) {
            device.push_token = None;
        }
    }
}

struct PushToNobody;

impl Policy for PushToNobody {
    fn first_method(&self, account: &Account, at: At<'_>) -> Option<Way> {
        if account.activity.is_empty() {
            Standard.first_method(account, at)
        } else {
            Some(Way::Push)
        }
    }
}

struct SelfRemovalKeepsSession;

#[async_trait]
impl Middleware for SelfRemovalKeepsSession {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if let Some(device) = removed(&request)
            && let Some((id, session)) = tools::signed_in(service, &request).await
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
                return tools::done();
            }
        }
        next.answer(request).await
    }
}

struct RemovalSignsEverybodyOut;

impl Policy for RemovalSignsEverybodyOut {
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        Standard.remove_device(account, id);
        account.end_sessions(|_| true);
    }
}
