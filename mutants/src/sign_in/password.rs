//! The password alone opens or sends too much.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{Admission, Policy, SignInFacts, Standard};
use serde_json::Value;

use crate::forge::{self, Bearer};
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "refresh-token-in-challenge",
        requirement: "SIGN-01",
        part: "http",
        summary: "The access credential is withheld from a pending sign-in, a refresh credential is not.",
        build: |server| server.wrap(TokenInChallenge::Refresh),
    },
    KnownBad {
        slug: "trust-token-in-challenge",
        requirement: "SIGN-01",
        part: "http",
        summary: "A device is trusted, and told so, as soon as its password was right.",
        build: |server| server.wrap(TokenInChallenge::Trust),
    },
    KnownBad {
        slug: "code-sent-on-wrong-password",
        requirement: "SIGN-02",
        part: "policy",
        summary: "The challenge is opened as soon as the account is found, before the password is compared.",
        build: |server| server.deps.policy = Arc::new(CodeSentOnWrongPassword),
    },
];

/// Adds a credential to the answer that opens a challenge.
enum TokenInChallenge {
    Refresh,
    Trust,
}

#[async_trait]
impl Middleware for TokenInChallenge {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let service = next.service();
        let answer = next.answer(request.clone()).await;
        if !tools::is(&request, &Method::POST, "/v1/sign-ins") || answer.status() != StatusCode::ACCEPTED {
            return answer;
        }
        let trusted = matches!(self, TokenInChallenge::Trust);
        let Some(bearer) = Bearer::of_sign_in(service, &request).await else {
            return answer;
        };
        let Some(forged) = forge::open(service, &bearer, trusted).await else {
            return answer;
        };
        let Some(mut body) = tools::answered(&answer) else {
            return answer;
        };
        if trusted {
            body["trust_token"] = Value::String(forged.trust);
        } else {
            body["refresh_token"] = Value::String(forged.refresh);
        }
        tools::with_answer(answer, &body)
    }
}

struct CodeSentOnWrongPassword;

impl Policy for CodeSentOnWrongPassword {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        if !facts.password_right && facts.active && facts.two_step {
            return Admission::Challenge;
        }
        Standard.admit(facts)
    }
}
