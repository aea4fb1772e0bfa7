//! How many challenges there are, and what the answer that opens one tells.

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{Method, Response, StatusCode};
use reference_server::account::Account;
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::identifiers::normalise;
use reference_server::policy::{At, Limit, RateLimited, Standard};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http_util;
use crate::issued::IssuedCodes;

mutants! {
    /// At the bound the oldest challenge makes way, so that whoever has the password keeps evicting the owner's.
    "evict-oldest-challenge" breaks "SIGN-06": policy EvictOldest {
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

    /// An account may have any number of live challenges.
    "unbounded-challenges" breaks "SIGN-06": policy Unbounded {
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

    /// The answer that opens a challenge repeats the code, for convenience in development.
    "debug-code-echo" breaks "SIGN-07": http => |server| {
        let drawn = IssuedCodes::codes_of(&mut server.deps);
        server.wrap(Echo {
            drawn,
            told: |code| code,
        });
    };

    /// The answer carries a digest of the code, for the app to compare with.
    "code-digest-in-answer" breaks "SIGN-07": http => |server| {
        let drawn = IssuedCodes::codes_of(&mut server.deps);
        let told = |code: String| HEXLOWER.encode(&Sha256::digest(code.as_bytes()));
        server.wrap(Echo { drawn, told });
    };

    /// The answer that opens a challenge does not tell when the code expires or can be sent again.
    "challenge-without-times" breaks "SIGN-07": http WithoutTimes {
        async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
            let answer = next.answer(request.clone()).await;
            let Some(mut body) = http_util::answered(&answer).filter(|_| opened(&request, &answer)) else {
                return answer;
            };
            if let Some(challenge) = body.get_mut("challenge").and_then(Value::as_object_mut) {
                challenge.remove("expires_at");
                challenge.remove("resend_at");
            }
            http_util::with_answer(answer, &body)
        }
    }
}

/// Whether the answer opened a challenge.
fn opened(request: &ApiRequest, answer: &Response<Bytes>) -> bool {
    http_util::is(request, &Method::POST, "/v1/sign-ins") && answer.status() == StatusCode::ACCEPTED
}

struct Echo {
    drawn: IssuedCodes,
    told: fn(String) -> String,
}

#[async_trait]
impl Middleware for Echo {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let answer = next.answer(request.clone()).await;
        if !opened(&request, &answer) {
            return answer;
        }
        let named = http_util::body(&request).and_then(|body| body.get("email")?.as_str().map(str::to_owned));
        let email = named.and_then(|email| normalise(&email));
        let code = email.and_then(|email| self.drawn.newest_for(&email));
        let (Some(code), Some(mut body)) = (code, http_util::answered(&answer)) else {
            return answer;
        };
        body["dev_code"] = json!((self.told)(code));
        http_util::with_answer(answer, &body)
    }
}
