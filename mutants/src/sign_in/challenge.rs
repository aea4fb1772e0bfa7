//! How many challenges there are, and what the answer that opens one tells.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{Method, Response, StatusCode};
use reference_server::account::Account;
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::identifiers::normalise;
use reference_server::policy::{At, Limit, Policy, RateLimited, Standard};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::drawn::Drawn;
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "evict-oldest-challenge",
        requirement: "SIGN-06",
        part: "policy",
        summary: "At the bound the oldest challenge makes way, so that whoever has the password keeps evicting the owner's.",
        build: |server| server.deps.policy = Arc::new(EvictOldest),
    },
    KnownBad {
        slug: "unbounded-challenges",
        requirement: "SIGN-06",
        part: "policy",
        summary: "An account may have any number of live challenges.",
        build: |server| server.deps.policy = Arc::new(Unbounded),
    },
    KnownBad {
        slug: "debug-code-echo",
        requirement: "SIGN-07",
        part: "http",
        summary: "The answer that opens a challenge repeats the code, for convenience in development.",
        build: |server| {
            let drawn = Drawn::codes_of(&mut server.deps);
            server.wrap(Echo {
                drawn,
                told: |code| code,
            });
        },
    },
    KnownBad {
        slug: "code-digest-in-answer",
        requirement: "SIGN-07",
        part: "http",
        summary: "The answer carries a digest of the code, for the app to compare with.",
        build: |server| {
            let drawn = Drawn::codes_of(&mut server.deps);
            let told = |code: String| HEXLOWER.encode(&Sha256::digest(code.as_bytes()));
            server.wrap(Echo { drawn, told });
        },
    },
    KnownBad {
        slug: "challenge-without-times",
        requirement: "SIGN-07",
        part: "http",
        summary: "The answer that opens a challenge does not tell when the code expires or can be sent again.",
        build: |server| server.wrap(WithoutTimes),
    },
];

struct EvictOldest;

impl Policy for EvictOldest {
    fn may_open_challenge(&self, account: &mut Account, installation: &str, at: At<'_>) -> Result<(), RateLimited> {
        let may = Standard.may_open_challenge(account, installation, at);
        let Err(RateLimited {
            limit: Limit::Challenges,
            ..
        }) = may
        else {
            return may;
        };
        let open = account
            .challenges
            .iter()
            .filter(|challenge| self.challenge_is_open(challenge, at));
        let oldest = open
            .min_by_key(|challenge| challenge.created_at)
            .map(|challenge| challenge.id.clone());
        account.void_challenges(|challenge| Some(&challenge.id) == oldest.as_ref());
        Standard.account_may_send(account, at)
    }
}

struct Unbounded;

impl Policy for Unbounded {
    fn may_open_challenge(&self, account: &mut Account, installation: &str, at: At<'_>) -> Result<(), RateLimited> {
        match Standard.may_open_challenge(account, installation, at) {
            Err(RateLimited {
                limit: Limit::Challenges,
                ..
            }) => Standard.account_may_send(account, at),
            may => may,
        }
    }
}

/// Whether the answer opened a challenge.
fn opened(request: &ApiRequest, answer: &Response<Bytes>) -> bool {
    tools::is(request, &Method::POST, "/v1/sign-ins") && answer.status() == StatusCode::ACCEPTED
}

struct Echo {
    drawn: Drawn,
    told: fn(String) -> String,
}

#[async_trait]
impl Middleware for Echo {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let answer = next.answer(request.clone()).await;
        if !opened(&request, &answer) {
            return answer;
        }
        let named = tools::body(&request).and_then(|body| body.get("email")?.as_str().map(str::to_owned));
        let email = named.and_then(|email| normalise(&email));
        let code = email.and_then(|email| self.drawn.newest_for(&email));
        let (Some(code), Some(mut body)) = (code, tools::answered(&answer)) else {
            return answer;
        };
        body["dev_code"] = json!((self.told)(code));
        tools::with_answer(answer, &body)
    }
}

struct WithoutTimes;

#[async_trait]
impl Middleware for WithoutTimes {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let answer = next.answer(request.clone()).await;
        let Some(mut body) = tools::answered(&answer).filter(|_| opened(&request, &answer)) else {
            return answer;
        };
        if let Some(challenge) = body.get_mut("challenge").and_then(Value::as_object_mut) {
            challenge.remove("expires_at");
            challenge.remove("resend_at");
        }
        tools::with_answer(answer, &body)
    }
}
