//! A device list that tells too much, too little or to the wrong one, and a rename that changes more than the label.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::account::{Account, DeviceId, TokenHash, Trust};
use reference_server::edge::{Edge, EdgeRequest, HttpEdge, json};
use serde_json::{Value, json};

use crate::tools::BehindItsBack;
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "list-leaks-push-token",
        requirement: "DEV-08",
        part: "edge",
        summary: "The device list holds each device's push registration.",
        build: |mut deps| {
            deps.edge = Arc::new(ListLeaksPushToken);
            deps
        },
    },
    KnownBad {
        slug: "list-hides-the-current-device",
        requirement: "DEV-08",
        part: "edge",
        summary: "The device list does not say which device is the current one.",
        build: |mut deps| {
            deps.edge = Arc::new(ListHidesTheCurrentDevice);
            deps
        },
    },
    KnownBad {
        slug: "pending-reads-the-list",
        requirement: "DEV-08",
        part: "edge",
        summary: "A pending handle reads the device list.",
        build: |mut deps| {
            deps.edge = Arc::new(PendingReadsTheList);
            deps
        },
    },
];

/// The known-bad servers of DEV-13, which come after those of removal.
pub(crate) const RENAMING: &[KnownBad] = &[KnownBad {
    slug: "rename-mass-assigns-trusted",
    requirement: "DEV-13",
    part: "edge",
    summary: "A rename takes every field of the stored device, its trust among them.",
    build: |mut deps| {
        deps.edge = Arc::new(RenameMassAssigns);
        deps
    },
}];

/// Answers, and changes each row of a device list that is answered.
async fn with_rows(
    service: &Service,
    request: EdgeRequest,
    change: impl Fn(&Account, &mut Value) + Send + Sync,
) -> Response<Bytes> {
    let listed = tools::is(&request, &Method::GET, "/v1/devices");
    let holder = if listed {
        tools::signed_in(service, &request).await
    } else {
        None
    };
    let answer = HttpEdge.answer(service, request).await;
    let (Some((id, _)), Some(mut body)) = (holder, tools::answered(&answer)) else {
        return answer;
    };
    let rows = |account: &mut Account| {
        for row in body["devices"].as_array_mut().into_iter().flatten() {
            change(account, row);
        }
    };
    service.deps().store.transact(&id, rows).await;
    tools::with_answer(answer, &body)
}

struct ListLeaksPushToken;

#[async_trait]
impl Edge for ListLeaksPushToken {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let leak = |account: &Account, row: &mut Value| {
            let id = DeviceId(row["id"].as_str().unwrap_or_default().into());
            row["push_token"] = json!(account.device(&id).and_then(|device| device.push_token.clone()));
        };
        with_rows(service, request, leak).await
    }
}

struct ListHidesTheCurrentDevice;

#[async_trait]
impl Edge for ListHidesTheCurrentDevice {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        with_rows(service, request, |_, row| row["current"] = json!(false)).await
    }
}

struct PendingReadsTheList;

#[async_trait]
impl Edge for PendingReadsTheList {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        if tools::is(&request, &Method::GET, "/v1/devices")
            && let Some(id) = tools::pending(service, &request).await
        {
            let rows = service.deps().store.transact(&id, |account| {
                let row = |device: &reference_server::account::Device| json!({ "id": device.id, "name": device.name });
                account.devices.iter().map(row).collect::<Vec<_>>()
            });
            return json(StatusCode::OK, &json!({ "devices": rows.await }));
        }
        HttpEdge.answer(service, request).await
    }
}

struct RenameMassAssigns;

#[async_trait]
impl Edge for RenameMassAssigns {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let renamed = tools::device_id(&request).filter(|_| request.method == Method::PATCH);
        let (Some(device), Some(body)) = (renamed, tools::body(&request)) else {
            return HttpEdge.answer(service, request).await;
        };
        let holder = tools::signed_in(service, &request).await;
        let plain = tools::with_body(&request, &json!({ "name": body["name"] }));
        let answer = HttpEdge.answer(service, plain).await;
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
