//! The password alone opens or sends too much.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{Admission, SignInFacts, Standard};
use serde_json::Value;

use crate::forged_session::{self, Bearer};
use crate::http_util;

mutants! {
    /// The access credential is withheld from a pending sign-in, a refresh credential is not.
    "refresh-token-in-challenge" breaks "SIGN-01": http = TokenInChallenge::Refresh;

    /// A device is trusted, and told so, as soon as its password was right.
    "trust-token-in-challenge" breaks "SIGN-01": http = TokenInChallenge::Trust;

    /// The challenge is opened as soon as the account is found, before the password is compared.
    "code-sent-on-wrong-password" breaks "SIGN-02": policy CodeSentOnWrongPassword {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            if !facts.password_right && facts.active && facts.two_step {
                return Admission::Challenge;
            }
            Standard.admit(facts)
        }
    }
}

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
        if !http_util::is(&request, &Method::POST, "/v1/sign-ins") || answer.status() != StatusCode::ACCEPTED {
            return answer;
        }
        let trusted = matches!(self, TokenInChallenge::Trust);
        let Some(bearer) = Bearer::of_sign_in(service, &request).await else {
            return answer;
        };
        let Some(forged) = forged_session::open(service, &bearer, trusted).await else {
            return answer;
        };
        let Some(mut body) = http_util::answered(&answer) else {
            return answer;
        };
        if trusted {
            body["trust_token"] = Value::String(forged.trust);
        } else {
            body["refresh_token"] = Value::String(forged.refresh);
        }
        http_util::with_answer(answer, &body)
    }
}
