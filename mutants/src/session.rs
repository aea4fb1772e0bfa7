//! Servers that each break one requirement of the area `session`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, header};
use reference_server::Service;
use reference_server::domain::{Account, Session, SessionId, Timestamp, TokenHash};
use reference_server::edge::{Edge, EdgeRequest, HttpEdge};
use reference_server::parts::{RandomTokens, TokenKind, TokenSource};
use reference_server::rules::{Renewal, SessionRules, Standard};
use reference_server::settings::Settings;
use serde_json::Value;

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "pending-counts-as-authenticated",
        requirement: "SESS-01",
        part: "rules.sessions",
        summary: "Whoever holds a pending handle counts as signed in.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(PendingCountsAsAuthenticated);
            parts
        },
    },
    KnownBad {
        slug: "session-fixation",
        requirement: "SESS-02",
        part: "edge",
        summary: "A session identifier that the client brings becomes the session.",
        build: |mut parts| {
            parts.edge = Arc::new(SessionFixation);
            parts
        },
    },
    KnownBad {
        slug: "handle-becomes-the-session",
        requirement: "SESS-02",
        part: "edge",
        summary: "The pending handle is raised to a full session instead of being replaced.",
        build: |mut parts| {
            parts.edge = Arc::new(HandleBecomesTheSession);
            parts
        },
    },
    KnownBad {
        slug: "time-ordered-uuid-handle",
        requirement: "SESS-03",
        part: "tokens",
        summary: "Handles are UUIDs of version 7: the time, and few random bits.",
        build: |mut parts| {
            parts.tokens = Arc::new(TimeOrderedHandles(AtomicU32::new(0)));
            parts
        },
    },
    KnownBad {
        slug: "logout-client-side-only",
        requirement: "SESS-04",
        part: "rules.sessions",
        summary: "Signing out changes nothing on the server.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(LogoutClientSideOnly);
            parts
        },
    },
    KnownBad {
        slug: "logout-keeps-refresh",
        requirement: "SESS-04",
        part: "rules.sessions",
        summary: "Signing out ends the access credential and leaves the refresh credential alive.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(LogoutKeepsRefresh);
            parts
        },
    },
    KnownBad {
        slug: "refresh-token-reusable",
        requirement: "SESS-05",
        part: "rules.sessions",
        summary: "A refresh credential that has been used renews the session again.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(RefreshTokenReusable);
            parts
        },
    },
    KnownBad {
        slug: "refresh-reuse-goes-unnoticed",
        requirement: "SESS-05",
        part: "rules.sessions",
        summary: "A refresh credential that has been used is refused, and nothing comes of it being tried.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(ReuseGoesUnnoticed);
            parts
        },
    },
    KnownBad {
        slug: "refresh-forever",
        requirement: "SESS-06",
        part: "rules.sessions",
        summary: "Each renewal starts the absolute limit of the session anew.",
        build: |mut parts| {
            parts.rules.sessions = Arc::new(RefreshForever);
            parts
        },
    },
];

struct PendingCountsAsAuthenticated;

impl SessionRules for PendingCountsAsAuthenticated {
    fn opened_by(&self, account: &Account, presented: &TokenHash, now: Timestamp, settings: &Settings) -> Option<SessionId> {
        let pending = account.challenges.iter().any(|challenge| challenge.handle == *presented);
        let any = account.sessions.first().filter(|_| pending).map(|session| session.id.clone());
        Standard.opened_by(account, presented, now, settings).or(any)
    }
}

/// Makes `chosen` the access credential of the session that this answer hands out.
async fn adopt(service: &Service, granted: Response<Bytes>, chosen: &str) -> Response<Bytes> {
    let Some(mut body) = tools::answered(&granted) else {
        return granted;
    };
    let Some(access) = body
        .pointer("/session/access_token")
        .and_then(Value::as_str)
        .map(TokenHash::of)
    else {
        return granted;
    };
    let store = &service.parts().store;
    if let Some(id) = store.by_token(&access).await {
        let chosen = TokenHash::of(chosen);
        let take = |account: &mut Account| {
            if let Some(session) = account.sessions.iter_mut().find(|session| session.access == access) {
                session.access = chosen;
            }
        };
        store.transact(&id, take).await;
    }
    body["session"]["access_token"] = Value::from(chosen);
    tools::with_answer(granted, &body)
}

struct SessionFixation;

#[async_trait]
impl Edge for SessionFixation {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let cookies = header(header::COOKIE.as_str()).unwrap_or("");
        let mut cookie = cookies.split("; ").filter_map(|pair| pair.strip_prefix("session="));
        let brought = header("x-session-id").or_else(|| cookie.next()).map(str::to_owned);
        let verifies = tools::is(&request, &Method::POST, "/v1/challenge/verify");
        let answer = HttpEdge.answer(service, request).await;
        match brought {
            Some(chosen) if verifies && answer.status().is_success() => adopt(service, answer, &chosen).await,
            _ => answer,
        }
    }
}

struct HandleBecomesTheSession;

#[async_trait]
impl Edge for HandleBecomesTheSession {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let handle = tools::bearer(&request).map(str::to_owned);
        let verifies = tools::is(&request, &Method::POST, "/v1/challenge/verify");
        let answer = HttpEdge.answer(service, request).await;
        match handle {
            Some(handle) if verifies && answer.status().is_success() => adopt(service, answer, &handle).await,
            _ => answer,
        }
    }
}

struct TimeOrderedHandles(AtomicU32);

impl TokenSource for TimeOrderedHandles {
    fn draw(&self, kind: TokenKind) -> String {
        if kind != TokenKind::Handle {
            return RandomTokens.draw(kind);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Milliseconds, a counter within them, and 64 bits of which two are fixed: RFC 9562 §5.7.
        let counter = self.0.fetch_add(1, Ordering::Relaxed) & 0xfff;
        let random = rand::random::<u64>() & (u64::MAX >> 2) | (1 << 63);
        format!("{}{:012x}7{counter:03x}{random:016x}", kind.prefix(), since.as_millis())
    }
}

struct LogoutClientSideOnly;

impl SessionRules for LogoutClientSideOnly {
    fn sign_out(&self, _account: &mut Account, _session: &SessionId) {}
}

struct LogoutKeepsRefresh;

impl SessionRules for LogoutKeepsRefresh {
    fn sign_out(&self, account: &mut Account, session: &SessionId) {
        if let Some(session) = account.session_mut(session) {
            session.access_expires_at = session.created_at;
        }
    }
}

struct RefreshTokenReusable;

impl SessionRules for RefreshTokenReusable {
    fn renewal(&self, account: &Account, presented: &TokenHash, now: Timestamp, settings: &Settings) -> Renewal {
        match Standard.renewal(account, presented, now, settings) {
            Renewal::Stolen(session) => Renewal::Renew(session),
            renewal => renewal,
        }
    }
}

struct ReuseGoesUnnoticed;

impl SessionRules for ReuseGoesUnnoticed {
    fn renewal(&self, account: &Account, presented: &TokenHash, now: Timestamp, settings: &Settings) -> Renewal {
        match Standard.renewal(account, presented, now, settings) {
            Renewal::Stolen(_) => Renewal::Unknown,
            renewal => renewal,
        }
    }
}

struct RefreshForever;

impl SessionRules for RefreshForever {
    fn renew(&self, session: &mut Session, access: TokenHash, refresh: TokenHash, now: Timestamp, settings: &Settings) {
        Standard.renew(session, access, refresh, now, settings);
        session.created_at = now;
    }
}
