//! A device list that tells too much, too little or to the wrong one, and a rename that changes more than the label.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::account::{Account, DeviceId, TokenHash, Trust};
use reference_server::http::{ApiRequest, Router, json};
use serde_json::{Value, json};

use crate::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// The device list holds each device's push registration.
    "list-leaks-push-token" breaks "DEV-08": http ListLeaksPushToken {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let leak = |account: &Account, row: &mut Value| {
                let id = DeviceId(row["id"].as_str().unwrap_or_default().into());
                row["push_token"] = json!(account.device(&id).and_then(|device| device.push_token.clone()));
            };
            with_rows(next, request, leak).await
        }
    }

    /// The device list does not say which device is the current one.
    "list-hides-the-current-device" breaks "DEV-08": http ListHidesTheCurrentDevice {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            with_rows(next, request, |_, row| row["current"] = json!(false)).await
        }
    }

    /// A pending handle reads the device list.
    "pending-reads-the-list" breaks "DEV-08": http PendingReadsTheList {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            if http_util::is(&request, &Method::GET, "/v1/devices")
                && let Some(id) = http_util::pending(service, &request).await
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

    /// A rename takes every field of the stored device, its trust among them.
    "rename-mass-assigns-trusted" breaks "DEV-13": http RenameMassAssigns {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let renamed = http_util::device_id(&request).filter(|_| request.method == Method::PATCH);
            let (Some(device), Some(body)) = (renamed, http_util::body(&request)) else {
                return next.answer(request).await;
            };
            let holder = http_util::signed_in(service, &request).await;
            let plain = http_util::with_body(&request, &json!({ "name": body["name"] }));
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
}

/// Answers, and changes each row of a device list that is answered.
async fn with_rows(next: &Router, request: ApiRequest, change: impl Fn(&Account, &mut Value) + Send + Sync) -> Response<Bytes> {
    let listed = http_util::is(&request, &Method::GET, "/v1/devices");
    let holder = if listed {
        http_util::signed_in(next.service(), &request).await
    } else {
        None
    };
    let answer = next.answer(request).await;
    let (Some((id, _)), Some(mut body)) = (holder, http_util::answered(&answer)) else {
        return answer;
    };
    let rows = |account: &mut Account| {
        for row in body["devices"].as_array_mut().into_iter().flatten() {
            change(account, row);
        }
    };
    next.service().deps().store.transact(&id, rows).await;
    http_util::with_answer(answer, &body)
}
