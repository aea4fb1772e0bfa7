//! What mutants that skip a step are made of: a session that no second step opened.

use bytes::Bytes;
use http::{Response, StatusCode};
use reference_server::Service;
use reference_server::account::{Account, AccountId, Device, DeviceId, Session, SessionId, TokenHash, Trust};
use reference_server::http::{ApiRequest, json};
use reference_server::policy::identifiers::normalise;
use reference_server::ports::TokenKind;
use serde_json::{Value, json};

use super::http_util;
use crate::http_util::BehindItsBack;

/// Who a forged session is for.
pub(super) struct Bearer {
    pub(super) account: AccountId,
    pub(super) installation: String,
    pub(super) name: String,
}

impl Bearer {
    /// The account and device that a sign-in names.
    pub(super) async fn of_sign_in(service: &Service, request: &ApiRequest) -> Option<Self> {
        let body = http_util::body(request)?;
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            account: account_named(service, &text("/email")?).await?,
            installation: text("/device/installation").unwrap_or_else(|| "forged".to_owned()),
            name: text("/device/name").unwrap_or_else(|| "forged".to_owned()),
        })
    }

    /// The account and device of the bearer's pending challenge, whatever state it is in.
    pub(super) async fn of_handle(service: &Service, handle: &str) -> Option<Self> {
        let token = TokenHash::of(handle);
        let store = &service.deps().store;
        let id = store.by_token(&token).await.ok().flatten()?;
        let found = store.transact(&id, |account| {
            let held = account.challenges.iter().find(|challenge| challenge.handle == token)?;
            Some((held.installation.clone(), held.device_name.clone()))
        });
        let (installation, name) = found.await??;
        Some(Self {
            account: id,
            installation,
            name,
        })
    }

    /// Another device without a name of its own, in this account.
    pub(super) fn stranger(account: AccountId) -> Self {
        Self {
            account,
            installation: "forged".to_owned(),
            name: "forged".to_owned(),
        }
    }
}

/// The account with this address.
pub(super) async fn account_named(service: &Service, email: &str) -> Option<AccountId> {
    let email = normalise(email)?;
    service.deps().store.by_email(&email).await.ok().flatten()
}

/// Fresh credentials that open a session in the account.
pub(super) struct Forged {
    access: String,
    pub(super) refresh: String,
    pub(super) trust: String,
    device: DeviceId,
}

/// Opens a session for the bearer; a trusted one leaves a trusted device behind.
pub(super) async fn open(service: &Service, bearer: &Bearer, trusted: bool) -> Option<Forged> {
    let tokens = &service.deps().tokens;
    let forged = Forged {
        access: tokens.draw(TokenKind::Access),
        refresh: tokens.draw(TokenKind::Refresh),
        trust: tokens.draw(TokenKind::Trust),
        device: DeviceId::random(),
    };
    let now = service.now();
    let add = |account: &mut Account| {
        account.devices.push(Device {
            id: forged.device.clone(),
            installation: bearer.installation.clone(),
            name: bearer.name.clone(),
            trust: trusted.then(|| Trust {
                token: TokenHash::of(&forged.trust),
                replaced: Vec::new(),
                granted_at: now,
                used_at: now,
            }),
            push_token: None,
            first_used_at: now,
            last_used_at: now,
            place: None,
        });
        account.sessions.push(Session {
            address: "unknown".to_owned(),
            id: SessionId::random(),
            device: forged.device.clone(),
            access: TokenHash::of(&forged.access),
            access_expires_at: now.plus_s(service.config().access_ttl_s),
            refresh: TokenHash::of(&forged.refresh),
            replaced: Vec::new(),
            created_at: now,
            used_at: now,
            proved_at: None,
        });
    };
    service.deps().store.transact(&bearer.account, add).await?;
    Some(forged)
}

/// The answer that hands a forged session out, in the shape of an honest one.
pub(super) async fn session(service: &Service, bearer: &Bearer) -> Option<Response<Bytes>> {
    let forged = open(service, bearer, false).await?;
    let ends = service.now().plus_s(service.config().access_ttl_s);
    let body = json!({
        "session": {
            "access_token": forged.access,
            "access_expires_at": ends,
            "refresh_token": forged.refresh,
            "expires_at": ends,
        },
        "device": {"id": forged.device, "name": bearer.name, "trusted": false},
    });
    Some(json(StatusCode::CREATED, &body))
}
