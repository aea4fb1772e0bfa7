//! Servers that each break one requirement of the area `method`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method as Verb, Response};
use reference_server::Service;
use reference_server::domain::{Account, AccountId, Challenge, ChallengeId, DeviceId, Method, StoredCode, Timestamp, TokenHash};
use reference_server::edge::{Edge, EdgeRequest, HttpEdge};
use reference_server::parts::{AccountChange, Courier, DeliveryError, Outgoing, Parcel, Recipient, Store};
use reference_server::rules::{
    Admission, AttemptRules, CodeRules, DeliveryRules, DeviceRules, SendRules, SignInFacts, SignInRules, Standard, TrustRules,
};
use reference_server::settings::Settings;

use super::{KnownBad, tools};

pub(super) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "both-methods-at-once",
        requirement: "METH-01",
        part: "rules.delivery",
        summary: "A code that is pushed is always mailed as well.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(BothMethodsAtOnce);
            parts
        },
    },
    KnownBad {
        slug: "push-to-nobody",
        requirement: "METH-02",
        part: "rules.delivery",
        summary: "An account without a trusted device is told that the code was pushed.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(PushToNobody);
            parts
        },
    },
    KnownBad {
        slug: "email-not-offered-beside-push",
        requirement: "METH-02",
        part: "rules.delivery",
        summary: "Where some device can receive push, the code cannot be had by email.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(EmailNotOfferedBesidePush);
            parts
        },
    },
    KnownBad {
        slug: "one-breaker-for-all-providers",
        requirement: "METH-02",
        part: "courier",
        summary: "A push provider that fails takes the mail provider out of service with it.",
        build: |mut parts| {
            let inner = Arc::clone(&parts.courier);
            parts.courier = Arc::new(OneBreaker {
                inner,
                open: AtomicBool::new(false),
            });
            parts
        },
    },
    KnownBad {
        slug: "destination-from-sign-in-body",
        requirement: "METH-03",
        part: "edge",
        summary: "The sign-in may name the mailbox that the code goes to.",
        build: |mut parts| {
            parts.edge = Arc::new(DestinationFrom("/v1/sign-ins"));
            parts
        },
    },
    KnownBad {
        slug: "destination-from-body",
        requirement: "METH-03",
        part: "edge",
        summary: "The switch to email may name the mailbox that the code goes to.",
        build: |mut parts| {
            parts.edge = Arc::new(DestinationFrom("/v1/challenge/method"));
            parts
        },
    },
    KnownBad {
        slug: "push-code-survives-switch",
        requirement: "METH-04",
        part: "rules.codes",
        summary: "After a switch to email the pushed code is accepted too.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(PushCodeSurvivesSwitch::default());
            parts
        },
    },
    KnownBad {
        slug: "switch-gives-new-guesses",
        requirement: "METH-04",
        part: "rules.codes",
        summary: "A code sent by email starts the count of guesses again.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(SwitchGivesNewGuesses);
            parts
        },
    },
    KnownBad {
        slug: "switch-is-no-send",
        requirement: "METH-04",
        part: "rules.sends",
        summary: "Mails are not counted among the messages of a challenge.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(SwitchIsNoSend);
            parts
        },
    },
    KnownBad {
        slug: "first-device-free-pass",
        requirement: "METH-05",
        part: "rules.sign_in",
        summary: "An account without a trusted device is signed in with the password alone.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(FirstDeviceFreePass);
            parts
        },
    },
    KnownBad {
        slug: "last-removal-switches-off",
        requirement: "METH-05",
        part: "rules.devices",
        summary: "Removing the last device switches two-step verification off.",
        build: |mut parts| {
            parts.rules.devices = Arc::new(LastRemovalSwitchesOff);
            parts
        },
    },
    KnownBad {
        slug: "email-code-24h-ttl",
        requirement: "METH-06",
        part: "rules.codes",
        summary: "A mailed code has the lifetime of a recovery code.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(EmailCode24hTtl);
            parts
        },
    },
    KnownBad {
        slug: "email-path-unthrottled",
        requirement: "METH-06",
        part: "rules.attempts",
        summary: "Guesses at a mailed code are not counted.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(EmailPathUnthrottled);
            parts
        },
    },
    KnownBad {
        slug: "mailed-code-fits-every-challenge",
        requirement: "METH-06",
        part: "rules.codes",
        summary: "A mailed code is accepted on every challenge of the account.",
        build: |mut parts| {
            parts.rules.codes = Arc::new(MailedCodeFitsEveryChallenge);
            parts
        },
    },
    KnownBad {
        slug: "push-to-pending-device",
        requirement: "METH-07",
        part: "rules.delivery",
        summary: "The device that asks is registered for push before it is verified, and gets the code itself.",
        build: |mut parts| {
            parts.rules.delivery = Arc::new(PushToPendingDevice);
            parts
        },
    },
    KnownBad {
        slug: "push-token-account-mixup",
        requirement: "METH-07",
        part: "store",
        summary: "A push registration belongs to the account that brought it last, and to no other.",
        build: |mut parts| {
            let inner = Arc::clone(&parts.store);
            parts.store = Arc::new(PushTokenAccountMixup {
                inner,
                owners: Mutex::default(),
            });
            parts
        },
    },
];

struct BothMethodsAtOnce;

impl DeliveryRules for BothMethodsAtOnce {
    fn recipients(
        &self,
        account: &Account,
        challenge: &Challenge,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let mut recipients = Standard.recipients(account, challenge, now, settings, trust);
        if challenge.method == Method::Push {
            recipients.push(Recipient::Email(account.email.clone()));
        }
        recipients
    }
}

struct PushToNobody;

impl DeliveryRules for PushToNobody {
    fn first_method(&self, _account: &Account, _now: Timestamp, _settings: &Settings, _trust: &dyn TrustRules) -> Option<Method> {
        Some(Method::Push)
    }
}

struct EmailNotOfferedBesidePush;

impl DeliveryRules for EmailNotOfferedBesidePush {
    fn first_method(&self, account: &Account, now: Timestamp, settings: &Settings, trust: &dyn TrustRules) -> Option<Method> {
        Standard.first_method(account, now, settings, trust)
    }

    fn may_switch(&self, method: Method, _settings: &Settings) -> bool {
        method == Method::Push
    }
}

struct OneBreaker {
    inner: Arc<dyn Courier>,
    open: AtomicBool,
}

#[async_trait]
impl Courier for OneBreaker {
    async fn deliver(&self, message: &Outgoing) -> Result<(), DeliveryError> {
        if self.open.load(Ordering::Relaxed) && matches!(message.parcel, Parcel::Code { .. }) {
            return Err(DeliveryError::Refused("the breaker is open".to_owned()));
        }
        let outcome = self.inner.deliver(message).await;
        if outcome.is_err() && matches!(message.to, Recipient::Push(_)) {
            self.open.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

/// A request to this path may name a mailbox.
struct DestinationFrom(&'static str);

/// Fields that name one. In a sign-in, `email` names the account.
const NAMES: [&str; 6] = ["to", "cc", "destination", "mailbox", "recovery_email", "email"];

#[async_trait]
impl Edge for DestinationFrom {
    async fn answer(&self, service: &Service, request: EdgeRequest) -> Response<Bytes> {
        let named = if tools::is(&request, &Verb::POST, self.0) {
            tools::body(&request)
        } else {
            None
        };
        let Some(mut body) = named else {
            return HttpEdge.answer(service, request).await;
        };
        let Some(fields) = body.as_object_mut() else {
            return HttpEdge.answer(service, request).await;
        };
        let account = if self.0 == "/v1/sign-ins" {
            let email = fields.get("email").and_then(|email| email.as_str()).unwrap_or_default();
            service.parts().store.by_email(email).await
        } else {
            tools::pending(service, &request).await
        };
        let signing_in = self.0 == "/v1/sign-ins";
        let mut to = None;
        for name in NAMES.into_iter().filter(|name| !(signing_in && *name == "email")) {
            to = fields.remove(name).and_then(|value| value.as_str().map(str::to_owned)).or(to);
        }
        let (Some(account), Some(to)) = (account, to) else {
            return HttpEdge.answer(service, request).await;
        };
        let store = &service.parts().store;
        let registered = store
            .transact(&account, |account| std::mem::replace(&mut account.email, to.clone()))
            .await;
        let response = HttpEdge.answer(service, tools::with_body(&request, &body)).await;
        if let Some(registered) = registered {
            store
                .transact(&account, |account| account.email.clone_from(&registered))
                .await;
        }
        response
    }
}

#[derive(Default)]
struct PushCodeSurvivesSwitch {
    pushed: Mutex<HashMap<ChallengeId, String>>,
}

impl CodeRules for PushCodeSurvivesSwitch {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        if challenge.method == Method::Push {
            let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
            pushed.insert(challenge.id.clone(), code.to_owned());
        }
        challenge.code = Some(StoredCode::new(&challenge.id, code, now));
    }

    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, settings: &Settings) -> bool {
        let pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        let by_push = pushed.get(challenge).is_some_and(|code| code == submitted);
        by_push || Standard.matches(account, challenge, submitted, now, settings)
    }
}

struct SwitchGivesNewGuesses;

impl CodeRules for SwitchGivesNewGuesses {
    fn issue(&self, challenge: &mut Challenge, code: &str, now: Timestamp) {
        if challenge.method == Method::Email {
            challenge.attempts = 0;
        }
        Standard.issue(challenge, code, now);
    }
}

struct SwitchIsNoSend;

impl SendRules for SwitchIsNoSend {
    fn sent(&self, account: &mut Account, challenge: &ChallengeId, now: Timestamp) {
        let counted = account.challenge(challenge).map(|challenge| challenge.sends);
        Standard.sent(account, challenge, now);
        if let (Some(before), Some(challenge)) = (counted, account.challenge_mut(challenge))
            && challenge.method == Method::Email
            && before > 0
        {
            challenge.sends = before;
        }
    }
}

struct FirstDeviceFreePass;

impl SignInRules for FirstDeviceFreePass {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        match Standard.admit(facts) {
            Admission::Challenge if facts.trusted_devices == 0 => Admission::Session,
            other => other,
        }
    }
}

struct LastRemovalSwitchesOff;

impl DeviceRules for LastRemovalSwitchesOff {
    fn remove(&self, account: &mut Account, id: &DeviceId) {
        Standard.remove(account, id);
        if account.devices.is_empty() {
            account.two_step = false;
        }
    }
}

struct EmailCode24hTtl;

impl CodeRules for EmailCode24hTtl {
    fn expires_at(&self, challenge: &Challenge, settings: &Settings) -> Timestamp {
        match (challenge.method, &challenge.code) {
            (Method::Email, Some(code)) => code.issued_at.plus_s(24 * 3600),
            _ => Standard.expires_at(challenge, settings),
        }
    }
}

struct EmailPathUnthrottled;

impl AttemptRules for EmailPathUnthrottled {
    fn reserve(&self, account: &mut Account, id: &ChallengeId, now: Timestamp, settings: &Settings) -> bool {
        match account.challenge(id).map(|challenge| challenge.method) {
            Some(Method::Email) => true,
            _ => Standard.reserve(account, id, now, settings),
        }
    }
}

struct MailedCodeFitsEveryChallenge;

impl CodeRules for MailedCodeFitsEveryChallenge {
    fn matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, now: Timestamp, settings: &Settings) -> bool {
        let mut mailed = account
            .challenges
            .iter()
            .filter(|other| other.method == Method::Email && other.id != *challenge);
        mailed.any(|other| other.code.as_ref().is_some_and(|code| code.is(&other.id, submitted)))
            || Standard.matches(account, challenge, submitted, now, settings)
    }
}

struct PushToPendingDevice;

impl DeliveryRules for PushToPendingDevice {
    fn push_recipients(
        &self,
        account: &Account,
        challenge: Option<&Challenge>,
        now: Timestamp,
        settings: &Settings,
        trust: &dyn TrustRules,
    ) -> Vec<Recipient> {
        let mut recipients = Standard.push_recipients(account, challenge, now, settings, trust);
        recipients.extend(
            challenge
                .and_then(|challenge| challenge.push_token.clone())
                .map(Recipient::Push),
        );
        recipients
    }
}

struct PushTokenAccountMixup {
    inner: Arc<dyn Store>,
    /// Which account brought a registration last.
    owners: Mutex<HashMap<String, AccountId>>,
}

impl PushTokenAccountMixup {
    /// Takes a registration away from an account that no longer owns it.
    fn take_away(&self, account: &mut Account) {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for device in &mut account.devices {
            let foreign = |token: &String| owners.get(token).is_some_and(|owner| *owner != account.id);
            if device.push_token.as_ref().is_some_and(foreign) {
                device.push_token = None;
            }
        }
    }

    /// Notes the registrations that this change brought.
    fn note(&self, account: &Account, before: &[String]) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for token in account.devices.iter().filter_map(|device| device.push_token.clone()) {
            if !before.contains(&token) {
                owners.insert(token, account.id.clone());
            }
        }
    }
}

#[async_trait]
impl Store for PushTokenAccountMixup {
    async fn insert(&self, account: Account) -> bool {
        self.inner.insert(account).await
    }

    async fn by_email(&self, email: &str) -> Option<AccountId> {
        self.inner.by_email(email).await
    }

    async fn by_token(&self, token: &TokenHash) -> Option<AccountId> {
        self.inner.by_token(token).await
    }

    async fn update(&self, id: &AccountId, change: &mut AccountChange<'_>) -> bool {
        let mut mixed_up = |account: &mut Account| {
            self.take_away(account);
            let before: Vec<String> = account
                .devices
                .iter()
                .filter_map(|device| device.push_token.clone())
                .collect();
            change(account);
            self.note(account, &before);
        };
        self.inner.update(id, &mut mixed_up).await
    }

    async fn sweep(&self, change: &mut AccountChange<'_>) {
        self.inner.sweep(change).await;
    }

    async fn clear(&self) {
        self.inner.clear().await;
    }

    async fn count(&self) -> usize {
        self.inner.count().await
    }
}
