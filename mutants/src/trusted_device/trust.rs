//! Trust that is granted too early, found by the wrong thing, shared, or never over.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reference_server::account::{Account, AccountId, ChallengeId, Device, DeviceId, TokenHash, Trust};
use reference_server::policy::{Admission, At, Opened, Policy, PresentedDevice, SignInFacts, Standard};
use reference_server::ports::{AccountChange, MemoryStore, Store};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "trusted-on-challenge-created",
        requirement: "DEV-01",
        part: "policy",
        summary: "A device stands in the list as trusted as soon as it is asked for a code.",
        build: |server| server.deps.policy = Arc::new(TrustedOnChallengeCreated),
    },
    KnownBad {
        slug: "signed-in-while-off-becomes-trusted",
        requirement: "DEV-01",
        part: "policy",
        summary: "Signing in while two-step verification is off makes a device trusted.",
        build: |server| server.deps.policy = Arc::new(SignedInWhileOffBecomesTrusted),
    },
    KnownBad {
        slug: "trust-token-replaces-password",
        requirement: "DEV-02",
        part: "policy",
        summary: "A valid trust credential opens a session whatever the password is.",
        build: |server| server.deps.policy = Arc::new(TrustReplacesPassword),
    },
    KnownBad {
        slug: "trusted-device-asked-again",
        requirement: "DEV-02",
        part: "policy",
        summary: "A trusted device is asked for a code at every sign-in.",
        build: |server| server.deps.policy = Arc::new(TrustedDeviceAskedAgain),
    },
    KnownBad {
        slug: "trust-cookie-not-account-bound",
        requirement: "DEV-03",
        part: "policy",
        summary: "A trust credential only says that its holder once passed the second step of some account.",
        build: |server| server.deps.policy = Arc::new(TrustNotAccountBound::default()),
    },
    KnownBad {
        slug: "one-account-per-phone",
        requirement: "DEV-03",
        part: "store",
        summary: "A phone that becomes trusted for one account loses the trust it had for another.",
        build: |server| server.deps.store = Arc::new(OneAccountPerPhone::default()),
    },
    KnownBad {
        slug: "trust-by-client-device-id",
        requirement: "DEV-04",
        part: "policy",
        summary: "A device is recognised by the identifier that its app chose.",
        build: |server| server.deps.policy = Arc::new(TrustByClientDeviceId),
    },
];

/// The known-bad servers of DEV-06 and DEV-07, which come after those of the credentials.
pub(crate) const LASTING: &[KnownBad] = &[
    KnownBad {
        slug: "old-trust-token-still-valid",
        requirement: "DEV-06",
        part: "policy",
        summary: "A trust credential that was replaced is worth as much as the present one.",
        build: |server| server.deps.policy = Arc::new(OldTrustTokenStillValid),
    },
    KnownBad {
        slug: "trust-expiry-by-cookie-max-age",
        requirement: "DEV-07",
        part: "policy",
        summary: "The age of trust is left to the client to look after.",
        build: |server| server.deps.policy = Arc::new(TrustNeverLapses),
    },
    KnownBad {
        slug: "use-renews-trust-for-ever",
        requirement: "DEV-07",
        part: "policy",
        summary: "Trust in use has no end of its own.",
        build: |server| server.deps.policy = Arc::new(UseRenewsTrust),
    },
];

struct TrustedOnChallengeCreated;

impl Policy for TrustedOnChallengeCreated {
    fn count_send(&self, account: &mut Account, challenge: &ChallengeId, at: At<'_>) {
        Standard.count_send(account, challenge, at);
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
                granted_at: at.now,
                used_at: at.now,
            }),
            push_token: None,
            first_used_at: at.now,
            last_used_at: at.now,
            place: None,
        });
    }
}

struct SignedInWhileOffBecomesTrusted;

impl Policy for SignedInWhileOffBecomesTrusted {
    fn grants_trust(&self, opened: Opened) -> bool {
        opened == Opened::Password || Standard.grants_trust(opened)
    }
}

struct TrustReplacesPassword;

impl Policy for TrustReplacesPassword {
    fn admit(&self, facts: &SignInFacts) -> Admission {
        Standard.admit(&SignInFacts {
            password_right: facts.password_right || facts.trusted,
            ..*facts
        })
    }
}

struct TrustedDeviceAskedAgain;

impl Policy for TrustedDeviceAskedAgain {
    fn admit(&self, facts: &SignInFacts) -> Admission {
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

impl Policy for TrustNotAccountBound {
    fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
        let own = Standard.recognise(account, presented, at);
        own.or_else(|| {
            let passed = self.passed_once.lock().unwrap_or_else(PoisonError::into_inner);
            let known = presented.token.is_some_and(|token| passed.contains(&token));
            account.devices.first().filter(|_| known).map(|device| device.id.clone())
        })
    }

    fn trust_lapsed(&self, trust: &Trust, at: At<'_>) -> bool {
        // Every trust that is granted is looked at here, for the answer that hands it out.
        self.passed_once
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(trust.token);
        Standard.trust_lapsed(trust, at)
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

impl Policy for TrustByClientDeviceId {
    fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
        let standing = |device: &&Device| {
            let trust = device.trust.as_ref();
            device.installation == presented.installation && trust.is_some_and(|trust| !self.trust_lapsed(trust, at))
        };
        account.devices.iter().find(standing).map(|device| device.id.clone())
    }
}

struct OldTrustTokenStillValid;

impl Policy for OldTrustTokenStillValid {
    fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
        let present = Standard.recognise(account, presented, at);
        present.or_else(|| Standard.stolen_trust(account, presented))
    }

    fn stolen_trust(&self, _account: &Account, _claims: &PresentedDevice) -> Option<DeviceId> {
        None
    }
}

struct TrustNeverLapses;

impl Policy for TrustNeverLapses {
    fn trust_lapsed(&self, _trust: &Trust, _at: At<'_>) -> bool {
        false
    }
}

struct UseRenewsTrust;

impl Policy for UseRenewsTrust {
    fn rotate_trust(&self, device: &mut Device, token: TokenHash, at: At<'_>) {
        Standard.rotate_trust(device, token, at);
        if let Some(trust) = &mut device.trust {
            trust.granted_at = at.now;
        }
    }
}
