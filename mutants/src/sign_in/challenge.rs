//! How many challenges there are, and what the answer that opens one tells.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{Method, Response, StatusCode};
use reference_server::Service;
use reference_server::domain::{Account, Timestamp};
use reference_server::edge::{Edge, EdgeRequest, HttpEdge};
use reference_server::rules::{CodeRules, NotNow, SendRules, Standard};
use reference_server::settings::Settings;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::drawn::Drawn;
use crate::{KnownBad, tools};

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "evict-oldest-challenge",
        requirement: "SIGN-06",
        part: "rules.sends",
        summary: "At the bound the oldest challenge makes way, so that whoever has the password keeps evicting the owner's.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(EvictOldest);
            parts
        },
    },
    KnownBad {
        slug: "unbounded-challenges",
        requirement: "SIGN-06",
        part: "rules.sends",
        summary: "An account may have any number of live challenges.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(Unbounded);
            parts
        },
    },
    KnownBad {
        slug: "debug-code-echo",
        requirement: "SIGN-07",
        part: "edge",
        summary: "The answer that opens a challenge repeats the code, for convenience in development.",
        build: |mut parts| {
            let drawn = Drawn::codes_of(&mut parts);
            parts.edge = Arc::new(Echo {
                drawn,
                told: |code| code,
            });
            parts
        },
    },
    KnownBad {
        slug: "code-digest-in-answer",
        requirement: "SIGN-07",
        part: "edge",
        summary: "The answer carries a digest of the code, for the app to compare with.",
        build: |mut parts| {
            let drawn = Drawn::codes_of(&mut parts);
            let told = |code: String| HEXLOWER.encode(&Sha256::digest(code.as_bytes()));
            parts.edge = Arc::new(Echo { drawn, told });
            parts
        },
    },
    KnownBad {
        slug: "challenge-without-times",
        requirement: "SIGN-07",
        part: "edge",
        summary: "The answer that opens a challenge does not tell when the code expires or can be sent again.",
        build: |mut parts| {
            parts.edge = Arc::new(WithoutTimes);
            parts
        },
    },
];

struct EvictOldest;

impl SendRules for EvictOldest {
    fn may_open(
        &self,
        account: &mut Account,
        installation: &str,
        now: Timestamp,
        settings: &Settings,
        codes: &dyn CodeRules,
    ) -> Result<(), NotNow> {
        let may = Standard.may_open(account, installation, now, settings, codes);
        let Err(NotNow::TooManyChallenges(_)) = may else { return may };
        let open = account
            .challenges
            .iter()
            .filter(|challenge| codes.is_open(challenge, now, settings));
        let oldest = open
            .min_by_key(|challenge| challenge.created_at)
            .map(|challenge| challenge.id.clone());
        account.void_challenges(|challenge| Some(&challenge.id) == oldest.as_ref());
        Standard.account_may_send(account, now, settings)
    }
}

struct Unbounded;

impl SendRules for Unbounded {
    fn may_open(
        &self,
        account: &mut Account,
        installation: &str,
        now: Timestamp,
        settings: &Settings,
        codes: &dyn CodeRules,
    ) -> Result<(), NotNow> {
        match Standard.may_open(account, installation, now, settings, codes) {
            Err(NotNow::TooManyChallenges(_)) => Standard.account_may_send(account, now, settings),
            may => may,
        }
    }
}

/// Whether the answer opened a challenge.
fn opened(request: &EdgeRequest, answer: &Response<Bytes>) -> bool {
    tools::is(request, &Method::POST, "/v1/sign-ins") && answer.status() == StatusCode::ACCEPTED
}

struct Echo {
    drawn: Drawn,
    told: fn(String) -> String,
}

#[async_trait]
impl Edge for Echo {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let answer = HttpEdge.answer(service, request.clone()).await;
        if !opened(&request, &answer) {
            return answer;
        }
        let named = tools::body(&request).and_then(|body| body.get("email")?.as_str().map(str::to_owned));
        let email = named.and_then(|email| service.parts().rules.identifiers.normalise(&email));
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
impl Edge for WithoutTimes {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let answer = HttpEdge.answer(service, request.clone()).await;
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
