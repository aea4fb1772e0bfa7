//! Credentials that are taken for one another, or taken although they were altered.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use reference_server::account::{Account, SessionId, TokenHash};
use reference_server::http::{ApiRequest, Router};
use reference_server::policy::{At, Standard};

use crate::http_util;

mutants! {
    /// A refresh credential opens a session like an access credential.
    "token-type-not-checked" breaks "DEV-05": policy TokenTypeNotChecked {
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

    /// A credential is read up to its usual length, and whatever follows is ignored.
    "end-of-credential-ignored" breaks "DEV-05": http EndOfCredentialIgnored {
        async fn answer(&self, next: &Router, mut request: ApiRequest) -> Response<Bytes> {
            let usual = http_util::bearer(&request).and_then(|credential| credential.get(..LENGTH));
            let line = usual.and_then(|credential| HeaderValue::try_from(format!("Bearer {credential}")).ok());
            if let Some(line) = line {
                request.headers.insert(header::AUTHORIZATION, line);
            }
            next.answer(request).await
        }
    }

    /// A bearer credential of an unusual length is a server error.
    "altered-credential-panics" breaks "DEV-05": http AlteredCredentialPanics {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            if http_util::bearer(&request).is_some_and(|credential| credential.len() != LENGTH) {
                return http_util::panicked();
            }
            next.answer(request).await
        }
    }
}

/// Characters of a credential of the reference server.
const LENGTH: usize = 46;
