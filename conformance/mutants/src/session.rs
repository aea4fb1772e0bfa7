//! Mutants of the area `session`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Response, header};
use reference_server::Service;
use reference_server::account::{Account, Session, SessionId, TokenHash};
use reference_server::http::{ApiRequest, Router};
use reference_server::policy::{At, Renewal, Standard};
use reference_server::ports::{RandomTokens, TokenKind, TokenSource};
use serde_json::Value;

use super::http_util;
use crate::http_util::BehindItsBack;

mutants! {
    /// Whoever holds a pending handle counts as signed in.
    "pending-counts-as-authenticated" breaks "SESS-01": policy PendingCountsAsAuthenticated {
        fn session_opened_by(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Option<SessionId> {
            let pending = account.challenges.iter().any(|challenge| challenge.handle == *presented);
            let any = account.sessions.first().filter(|_| pending).map(|session| session.id.clone());
            Standard.session_opened_by(account, presented, at).or(any)
        }
    }

    /// A session identifier that the client brings becomes the session.
    "session-fixation" breaks "SESS-02": http SessionFixation {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
            let cookies = header(header::COOKIE.as_str()).unwrap_or("");
            let mut cookie = cookies.split("; ").filter_map(|pair| pair.strip_prefix("session="));
            let brought = header("x-session-id").or_else(|| cookie.next()).map(str::to_owned);
            let verifies = http_util::is(&request, &Method::POST, "/v1/challenge/verify");
            let answer = next.answer(request).await;
            match brought {
                Some(chosen) if verifies && answer.status().is_success() => adopt(service, answer, &chosen).await,
                _ => answer,
            }
        }
    }

    /// The pending handle is raised to a full session instead of being replaced.
    "handle-becomes-the-session" breaks "SESS-02": http HandleBecomesTheSession {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let service = next.service();
            let handle = http_util::bearer(&request).map(str::to_owned);
            let verifies = http_util::is(&request, &Method::POST, "/v1/challenge/verify");
            let answer = next.answer(request).await;
            match handle {
                Some(handle) if verifies && answer.status().is_success() => adopt(service, answer, &handle).await,
                _ => answer,
            }
        }
    }

    /// Handles are UUIDs of version 7: the time, and few random bits.
    "time-ordered-uuid-handle" breaks "SESS-03": tokens = TimeOrderedHandles(AtomicU32::new(0));

    /// Signing out changes nothing on the server.
    "logout-client-side-only" breaks "SESS-04": policy LogoutClientSideOnly {
        fn sign_out(&self, _account: &mut Account, _session: &SessionId) {}
    }

    /// Signing out ends the access credential and leaves the refresh credential alive.
    "logout-keeps-refresh" breaks "SESS-04": policy LogoutKeepsRefresh {
        fn sign_out(&self, account: &mut Account, session: &SessionId) {
            if let Some(session) = account.session_mut(session) {
                session.access_expires_at = session.created_at;
            }
        }
    }

    /// A refresh credential that has been used renews the session again.
    "refresh-token-reusable" breaks "SESS-05": policy RefreshTokenReusable {
        fn renewal(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Renewal {
            match Standard.renewal(account, presented, at) {
                Renewal::Stolen(session) => Renewal::Renew(session),
                renewal => renewal,
            }
        }
    }

    /// A refresh credential that has been used is refused, and nothing comes of it being tried.
    "refresh-reuse-goes-unnoticed" breaks "SESS-05": policy ReuseGoesUnnoticed {
        fn renewal(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Renewal {
            match Standard.renewal(account, presented, at) {
                Renewal::Stolen(_) => Renewal::Unknown,
                renewal => renewal,
            }
        }
    }

    /// Each renewal starts the absolute limit of the session anew.
    "refresh-forever" breaks "SESS-06": policy RefreshForever {
        fn renew_session(&self, session: &mut Session, access: TokenHash, refresh: TokenHash, at: At<'_>) {
            Standard.renew_session(session, access, refresh, at);
            session.created_at = at.now;
        }
    }
}

/// Makes `chosen` the access credential of the session that this answer hands out.
async fn adopt(service: &Service, granted: Response<Bytes>, chosen: &str) -> Response<Bytes> {
    let Some(mut body) = http_util::answered(&granted) else {
        return granted;
    };
    let Some(access) = body
        .pointer("/session/access_token")
        .and_then(Value::as_str)
        .map(TokenHash::of)
    else {
        return granted;
    };
    let store = &service.deps().store;
    if let Some(id) = store.by_token(&access).await.ok().flatten() {
        let chosen = TokenHash::of(chosen);
        let take = |account: &mut Account| {
            if let Some(session) = account.sessions.iter_mut().find(|session| session.access == access) {
                session.access = chosen;
            }
        };
        store.transact(&id, take).await;
    }
    body["session"]["access_token"] = Value::from(chosen);
    http_util::with_answer(granted, &body)
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
