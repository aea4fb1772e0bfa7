//! Credentials that are taken for one another, or taken although they were altered.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use reference_server::account::{Account, SessionId, TokenHash};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, Policy, Standard};

use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "token-type-not-checked",
        requirement: "DEV-05",
        part: "policy",
        summary: "A refresh credential opens a session like an access credential.",
        build: |server| server.deps.policy = Arc::new(TokenTypeNotChecked),
    },
    KnownBad {
        slug: "end-of-credential-ignored",
        requirement: "DEV-05",
        part: "http",
        summary: "A credential is read up to its usual length, and whatever follows is ignored.",
        build: |server| server.wrap(EndOfCredentialIgnored),
    },
    KnownBad {
        slug: "altered-credential-panics",
        requirement: "DEV-05",
        part: "http",
        summary: "A bearer credential of an unusual length is a server error.",
        build: |server| server.wrap(AlteredCredentialPanics),
    },
];

/// Characters of a credential of the reference server.
const LENGTH: usize = 46;

struct TokenTypeNotChecked;

impl Policy for TokenTypeNotChecked {
    fn session_opened_by(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Option<SessionId> {
        let opened = Standard.session_opened_by(account, presented, at);
        opened.or_else(|| {
            let mut sessions = account.sessions.iter();
            sessions
                .find(|session| session.refresh == *presented)
                .map(|session| session.id.clone())
        })
    }
}

struct EndOfCredentialIgnored;

#[async_trait]
impl Middleware for EndOfCredentialIgnored {
    async fn answer(&self, next: &Router, mut request: ApiRequest) -> Response<Bytes> {
        let usual = tools::bearer(&request).and_then(|credential| credential.get(..LENGTH));
        let line = usual.and_then(|credential| HeaderValue::try_from(format!("Bearer {credential}")).ok());
        if let Some(line) = line {
            request.headers.insert(header::AUTHORIZATION, line);
        }
        next.answer(request).await
    }
}

struct AlteredCredentialPanics;

#[async_trait]
impl Middleware for AlteredCredentialPanics {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        if tools::bearer(&request).is_some_and(|credential| credential.len() != LENGTH) {
            return tools::panicked();
        }
        next.answer(request).await
    }
}
