//! Trust that is granted too early, found by the wrong thing, shared, or never over.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reference_server::domain::{Account, AccountId, ChallengeId, Device, DeviceId, Timestamp, TokenHash, Trust};
use reference_server::parts::{AccountChange, MemoryStore, Store};
use reference_server::rules::{Admission, Claims, Opened, SendRules, SignInFacts, SignInRules, Standard, TrustRules};
use reference_server::settings::Settings;

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "trusted-on-challenge-created",
        requirement: "DEV-01",
        part: "rules.sends",
        summary: "A device stands in the list as trusted as soon as it is asked for a code.",
        build: |mut parts| {
            parts.rules.sends = Arc::new(TrustedOnChallengeCreated);
            parts
        },
    },
    KnownBad {
        slug: "signed-in-while-off-becomes-trusted",
        requirement: "DEV-01",
        part: "rules.trust",
        summary: "Signing in while two-step verification is off makes a device trusted.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(SignedInWhileOffBecomesTrusted);
            parts
        },
    },
    KnownBad {
        slug: "trust-token-replaces-password",
        requirement: "DEV-02",
        part: "rules.sign_in",
        summary: "A valid trust credential opens a session whatever the password is.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(TrustReplacesPassword);
            parts
        },
    },
    KnownBad {
        slug: "trusted-device-asked-again",
        requirement: "DEV-02",
        part: "rules.sign_in",
        summary: "A trusted device is asked for a code at every sign-in.",
        build: |mut parts| {
            parts.rules.sign_in = Arc::new(TrustedDeviceAskedAgain);
            parts
        },
    },
    KnownBad {
        slug: "trust-cookie-not-account-bound",
        requirement: "DEV-03",
        part: "rules.trust",
        summary: "A trust credential only says that its holder once passed the second step of some account.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(TrustNotAccountBound::default());
            parts
        },
    },
    KnownBad {
        slug: "one-account-per-phone",
        requirement: "DEV-03",
        part: "store",
        summary: "A phone that becomes trusted for one account loses the trust it had for another.",
        build: |mut parts| {
            parts.store = Arc::new(OneAccountPerPhone::default());
            parts
        },
    },
    KnownBad {
        slug: "trust-by-client-device-id",
        requirement: "DEV-04",
        part: "rules.trust",
        summary: "A device is recognised by the identifier that its app chose.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(TrustByClientDeviceId);
            parts
        },
    },
];

/// The known-bad servers of DEV-06 and DEV-07, which come after those of the credentials.
pub(crate) const LASTING: &[KnownBad] = &[
    KnownBad {
        slug: "old-trust-token-still-valid",
        requirement: "DEV-06",
        part: "rules.trust",
        summary: "A trust credential that was replaced is worth as much as the present one.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(OldTrustTokenStillValid);
            parts
        },
    },
    KnownBad {
        slug: "trust-expiry-by-cookie-max-age",
        requirement: "DEV-07",
        part: "rules.trust",
        summary: "The age of trust is left to the client to look after.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(TrustNeverLapses);
            parts
        },
    },
    KnownBad {
        slug: "use-renews-trust-for-ever",
        requirement: "DEV-07",
        part: "rules.trust",
        summary: "Trust in use has no end of its own.",
        build: |mut parts| {
            parts.rules.trust = Arc::new(UseRenewsTrust);
            parts
        },
    },
];

struct TrustedOnChallengeCreated;

impl SendRules for TrustedOnChallengeCreated {
    fn sent(&self, account: &mut Account, challenge: &ChallengeId, now: Timestamp) {
        Standard.sent(account, challenge, now);
        let Some(pending) = account.challenge(challenge).cloned() else {
            return;
        };
        if account
            .devices
            .iter()
            .any(|device| device.installation == pending.installation)
        {
            return;
        }
        account.devices.push(Device {
            id: DeviceId::random(),
            installation: pending.installation,
            name: pending.device_name,
            trust: Some(Trust {
                token: pending.handle,
                replaced: Vec::new(),
                granted_at: now,
                used_at: now,
            }),
            push_token: None,
            first_used_at: now,
            last_used_at: now,
            place: None,
        });
    }
}

struct SignedInWhileOffBecomesTrusted;

impl TrustRules for SignedInWhileOffBecomesTrusted {
    fn grants(&self, opened: Opened) -> bool {
        opened == Opened::Password || Standard.grants(opened)
    }
}

struct TrustReplacesPassword;

impl SignInRules for TrustReplacesPassword {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        Standard.admit(&SignInFacts {
            password_right: facts.password_right || facts.trusted,
            ..*facts
        })
    }
}

struct TrustedDeviceAskedAgain;

impl SignInRules for TrustedDeviceAskedAgain {
    fn admit(&self, facts: &SignInFacts<'_>) -> Admission {
        Standard.admit(&SignInFacts {
            trusted: false,
            ..*facts
        })
    }
}

/// Remembers every trust credential it has ever seen, whosever it was.
#[derive(Default)]
struct TrustNotAccountBound {
    passed_once: Mutex<HashSet<TokenHash>>,
}

impl TrustRules for TrustNotAccountBound {
    fn recognise(&self, account: &Account, claims: &Claims, now: Timestamp, settings: &Settings) -> Option<DeviceId> {
        let own = Standard.recognise(account, claims, now, settings);
        own.or_else(|| {
            let passed = self.passed_once.lock().unwrap_or_else(PoisonError::into_inner);
            let known = claims.token.is_some_and(|token| passed.contains(&token));
            account.devices.first().filter(|_| known).map(|device| device.id.clone())
        })
    }

    fn lapsed(&self, trust: &Trust, now: Timestamp, settings: &Settings) -> bool {
        // Every trust that is granted is looked at here, for the answer that hands it out.
        self.passed_once
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(trust.token);
        Standard.lapsed(trust, now, settings)
    }
}

/// A table of trusted phones with one row a phone, beside the accounts.
#[derive(Default)]
struct OneAccountPerPhone {
    accounts: MemoryStore,
    holder: Mutex<HashMap<String, AccountId>>,
}

/// The phones that an account trusts.
fn trusted_phones(account: &Account) -> Vec<String> {
    let trusted = account.devices.iter().filter(|device| device.trust.is_some());
    trusted.map(|device| device.installation.clone()).collect()
}

#[async_trait]
impl Store for OneAccountPerPhone {
    async fn insert(&self, account: Account) -> bool {
        self.accounts.insert(account).await
    }

    async fn by_email(&self, email: &str) -> Option<AccountId> {
        self.accounts.by_email(email).await
    }

    async fn by_token(&self, token: &TokenHash) -> Option<AccountId> {
        self.accounts.by_token(token).await
    }

    async fn update(&self, id: &AccountId, change: &mut AccountChange<'_>) -> bool {
        let mut added = Vec::new();
        let mut watched = |account: &mut Account| {
            let before = trusted_phones(account);
            change(account);
            added = trusted_phones(account);
            added.retain(|phone| !before.contains(phone));
        };
        let known = self.accounts.update(id, &mut watched).await;
        for phone in added {
            let before = {
                let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
                holder.insert(phone.clone(), id.clone())
            };
            let mut forget = |account: &mut Account| {
                for device in account.devices.iter_mut().filter(|device| device.installation == phone) {
                    device.trust = None;
                }
            };
            if let Some(other) = before.filter(|other| other != id) {
                self.accounts.update(&other, &mut forget).await;
            }
        }
        known
    }

    async fn sweep(&self, change: &mut AccountChange<'_>) {
        self.accounts.sweep(change).await;
    }

    async fn clear(&self) {
        self.accounts.clear().await;
    }

    async fn count(&self) -> usize {
        self.accounts.count().await
    }
}

struct TrustByClientDeviceId;

impl TrustRules for TrustByClientDeviceId {
    fn recognise(&self, account: &Account, claims: &Claims, now: Timestamp, settings: &Settings) -> Option<DeviceId> {
        let standing = |device: &&Device| {
            let trust = device.trust.as_ref();
            device.installation == claims.installation && trust.is_some_and(|trust| !self.lapsed(trust, now, settings))
        };
        account.devices.iter().find(standing).map(|device| device.id.clone())
    }
}

struct OldTrustTokenStillValid;

impl TrustRules for OldTrustTokenStillValid {
    fn recognise(&self, account: &Account, claims: &Claims, now: Timestamp, settings: &Settings) -> Option<DeviceId> {
        let present = Standard.recognise(account, claims, now, settings);
        present.or_else(|| Standard.stolen(account, claims))
    }

    fn stolen(&self, _account: &Account, _claims: &Claims) -> Option<DeviceId> {
        None
    }
}

struct TrustNeverLapses;

impl TrustRules for TrustNeverLapses {
    fn lapsed(&self, _trust: &Trust, _now: Timestamp, _settings: &Settings) -> bool {
        false
    }
}

struct UseRenewsTrust;

impl TrustRules for UseRenewsTrust {
    fn rotate(&self, device: &mut Device, token: TokenHash, now: Timestamp) {
        Standard.rotate(device, token, now);
        if let Some(trust) = &mut device.trust {
            trust.granted_at = now;
        }
    }
}
