//! More than one secret a request, and places and spellings outside the budget.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use reference_server::account::{Account, AccountId, PasswordFailures, Timestamp, TokenHash};
use reference_server::http::{ApiRequest, Middleware, Router};
use reference_server::policy::{At, PasswordAttempt, Policy, Standard};
use reference_server::ports::{Committed, MemoryStore, Store, StoreError, Versioned};
use serde_json::Value;

use crate::http_util::{self, BehindItsBack};

mutants! {
    /// A list of codes is tried one by one.
    "array-of-codes-accepted" breaks "ATT-10": http = ArrayAccepted {
        path: "/v1/challenge/verify",
        field: "code",
    };

    /// A list of passwords is tried one by one.
    "array-of-passwords-accepted" breaks "ATT-10": http = ArrayAccepted {
        path: "/v1/sign-ins",
        field: "password",
    };

    /// A password typed within a session is limited by nothing.
    "in-session-verify-unthrottled" breaks "ATT-11": policy InSessionUnthrottled {
        fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
            if attempt.in_session {
                return None;
            }
            Standard.password_blocked(account, attempt, at)
        }
    }

    /// Wrong passwords are counted under the identifier as it was typed.
    "limiter-key-case-sensitive" breaks "ATT-12": policy = LimiterKeyAsTyped::default();

    /// Registering another spelling of a taken identifier sets the password of the account that has it.
    "registration-overwrites-lookalike" breaks "ATT-12": store = RegistrationOverwrites::default();
}

/// Tries each element of a list in this field as a request of its own.
struct ArrayAccepted {
    path: &'static str,
    field: &'static str,
}

#[async_trait]
impl Middleware for ArrayAccepted {
    async fn answer(&self, next: &Router, request: ApiRequest) -> Response<Bytes> {
        let body = http_util::body(&request).filter(|_| http_util::is(&request, &Method::POST, self.path));
        if let Some(mut body) = body
            && let Some(secrets) = body.get(self.field).and_then(Value::as_array).cloned()
        {
            for secret in secrets {
                body[self.field] = secret;
                let answer = next.answer(http_util::with_body(&request, &body)).await;
                if answer.status().is_success() {
                    return answer;
                }
            }
        }
        next.answer(request).await
    }
}

#[derive(Default)]
struct LimiterKeyAsTyped {
    failures: Mutex<HashMap<(String, bool), PasswordFailures>>,
}

impl LimiterKeyAsTyped {
    /// Runs a decision of the reference on the account as if it had only the failures of this spelling.
    fn under_spelling<R>(
        &self,
        account: &mut Account,
        attempt: PasswordAttempt<'_>,
        decide: impl FnOnce(&mut Account) -> R,
    ) -> R {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let own = failures.entry((attempt.typed.to_owned(), attempt.trusted)).or_default();
        let mut seen = account.clone();
        let slot = if attempt.trusted {
            &mut seen.trusted_passwords
        } else {
            &mut seen.passwords
        };
        slot.clone_from(own);
        let decision = decide(&mut seen);
        *own = if attempt.trusted {
            seen.trusted_passwords
        } else {
            seen.passwords
        };
        decision
    }
}

impl Policy for LimiterKeyAsTyped {
    fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
        self.under_spelling(account, attempt, |seen| Standard.password_blocked(seen, attempt, at))
    }

    fn password_was_wrong(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) {
        self.under_spelling(account, attempt, |seen| Standard.password_was_wrong(seen, attempt, at));
    }
}

#[derive(Default)]
struct RegistrationOverwrites(MemoryStore);

#[async_trait]
impl Store for RegistrationOverwrites {
    async fn insert(&self, account: Account) -> Result<bool, StoreError> {
        let (email, hash) = (account.email.clone(), account.password_hash.clone());
        if self.0.insert(account).await? {
            return Ok(true);
        }
        if let Some(id) = self.0.by_email(&email).await? {
            let store: &dyn Store = &self.0;
            let overwrite = |account: &mut Account| account.password_hash.clone_from(&hash);
            store.transact(&id, overwrite).await;
        }
        Ok(false)
    }

    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError> {
        self.0.by_email(email).await
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError> {
        self.0.by_token(token).await
    }

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError> {
        self.0.load(id).await
    }

    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError> {
        self.0.commit(changed).await
    }

    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError> {
        self.0.ids(from, most).await
    }

    async fn count(&self) -> Result<usize, StoreError> {
        self.0.count().await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.0.clear().await
    }
}
