//! A device list that tells too much, too little or to the wrong one, and a rename that changes more than the label.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::account::{Account, DeviceId, TokenHash, Trust};
use reference_server::http::{ApiRequest, Middleware, Router, json};
use serde_json::{Value, json};

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "list-leaks-push-token",
        requirement: "DEV-08",
        part: "http",
        summary: "The device list holds each device's push registration.",
        build: |server| server.wrap(ListLeaksPushToken),
    },
    KnownBad {
        slug: "list-hides-the-current-device",
        requirement: "DEV-08",
        part: "http",
        summary: "The device list does not say which device is the current one.",
        build: |server| server.wrap(ListHidesTheCurrentDevice),
    },
    KnownBad {
        slug: "pending-reads-the-list",
        requirement: "DEV-08",
        part: "http",
        summary: "A pending handle reads the device list.",
        build: |server| server.wrap(PendingReadsTheList),
    },
];

/// The known-bad servers of DEV-13, which come after those of removal.
pub(crate) const RENAMING: &[KnownBad] = &[KnownBad {
    slug: "rename-mass-assigns-trusted",
    requirement: "DEV-13",
    part: "http",
    summary: "A rename takes every field of the stored device, its trust among them.",
    build: |server| server.wrap(RenameMassAssigns),
}];

/// Answers, and changes each row of a device list that is answered.
async fn with_rows(next: &Router, request: ApiRequest, change: impl Fn(&Account, &mut Value) + Send + Sync) -> Response<Bytes> {
    let listed = tools::is(&request, &Method::GET, "/v1/devices");
    let holder = if listed {
        tools::signed_in(next.service(), &request).await
    } else {
        None
    };
    let answer = next.answer(request).await;
    let (Some((id, _)), Some(mut body)) = (holder, tools::answered(&answer)) else {
        return answer;
    };
    let rows = |account: &mut Account| {
        for row in body["devices"].as_array_mut().into_iter().flatten() {
            change(account, row);
        }
    };
    next.service().deps().store.transact(&id, rows).await;
    tools::with_answer(answer, &body)
}

struct ListLeaksPushToken;

#[async_trait]
impl Middleware for ListLeaksPushToken {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let leak = |account: &Account, row: &mut Value| {
            let id = DeviceId(row["id"].as_str().unwrap_or_default().into());
            row["push_token"] = json!(account.device(&id).and_then(|device| device.push_token.clone()));
        };
        with_rows(next, request, leak).await
    }
}

struct ListHidesTheCurrentDevice;

#[async_trait]
impl Middleware for ListHidesTheCurrentDevice {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        with_rows(next, request, |_, row| row["current"] = json!(false)).await
    }
}

struct PendingReadsTheList;

#[async_trait]
impl Middleware for PendingReadsTheList {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        if tools::is(&request, &Method::GET, "/v1/devices")
            && let Some(id) = tools::pending(service, &request).await
        {
            let rows = service.deps().store.transact(&id, |account| {
                let row = |device: &reference_server::account::Device| json!({ "id": device.id, "name": device.name });
                account.devices.iter().map(row).collect::<Vec<_>>()
            });
            return json(StatusCode::OK, &json!({ "devices": rows.await }));
        }
        next.answer(request).await
    }
}

struct RenameMassAssigns;

#[async_trait]
impl Middleware for RenameMassAssigns {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let renamed = tools::device_id(&request).filter(|_| request.method == Method::PATCH);
        let (Some(device), Some(body)) = (renamed, tools::body(&request)) else {
            return next.answer(request).await;
        };
        let holder = tools::signed_in(service, &request).await;
        let plain = tools::with_body(&request, &json!({ "name": body["name"] }));
        let answer = next.answer(plain).await;
        if let Some((id, _)) = holder.filter(|_| answer.status().is_success()) {
            let now = service.now();
            let token = TokenHash::of(&device);
            let merge = |account: &mut Account| {
                let stored = account.device_mut(&DeviceId(device.as_str().into()));
                if let Some(stored) = stored.filter(|_| body["trusted"] == json!(true)) {
                    stored.trust = Some(Trust {
                        token,
                        replaced: Vec::new(),
                        granted_at: now,
                        used_at: now,
                    });
                }
            };
            service.deps().store.transact(&id, merge).await;
        }
        answer
    }
}
