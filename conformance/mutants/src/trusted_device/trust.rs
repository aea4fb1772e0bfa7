//! Trust that is granted too early, found by the wrong thing, shared, or never over.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::http_util::BehindItsBack;
use async_trait::async_trait;
use reference_server::account::{Account, AccountId, ChallengeId, Device, DeviceId, TokenHash, Trust};
use reference_server::policy::{Admission, At, Opened, Policy, PresentedDevice, SignInFacts, Standard};
use reference_server::ports::{Committed, MemoryStore, Store, StoreError, Versioned};

mutants! {
    /// A device stands in the list as trusted as soon as it is asked for a code.
    "trusted-on-challenge-created" breaks "DEV-01": policy TrustedOnChallengeCreated {
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

    /// Signing in while two-step verification is off makes a device trusted.
    "signed-in-while-off-becomes-trusted" breaks "DEV-01": policy SignedInWhileOffBecomesTrusted {
        fn grants_trust(&self, opened: Opened) -> bool {
            opened == Opened::Password || Standard.grants_trust(opened)
        }
    }

    /// A valid trust credential opens a session whatever the password is.
    "trust-token-replaces-password" breaks "DEV-02": policy TrustReplacesPassword {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            Standard.admit(&SignInFacts {
                password_right: facts.password_right || facts.trusted,
                ..*facts
            })
        }
    }

    /// A trusted device is asked for a code at every sign-in.
    "trusted-device-asked-again" breaks "DEV-02": policy TrustedDeviceAskedAgain {
        fn admit(&self, facts: &SignInFacts) -> Admission {
            Standard.admit(&SignInFacts {
                trusted: false,
                ..*facts
            })
        }
    }

    /// A trust credential only says that its holder once passed the second step of some account.
    "trust-cookie-not-account-bound" breaks "DEV-03": policy = TrustNotAccountBound::default();

    /// A phone that becomes trusted for one account loses the trust it had for another.
    "one-account-per-phone" breaks "DEV-03": store = OneAccountPerPhone::default();

    /// A device is recognised by the identifier that its app chose.
    "trust-by-client-device-id" breaks "DEV-04": policy TrustByClientDeviceId {
        fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
            let standing = |device: &&Device| {
                let trust = device.trust.as_ref();
                device.installation == presented.installation && trust.is_some_and(|trust| !self.trust_lapsed(trust, at))
            };
            account.devices.iter().find(standing).map(|device| device.id.clone())
        }
    }

    /// A trust credential that was replaced is worth as much as the present one.
    "old-trust-token-still-valid" breaks "DEV-06": policy OldTrustTokenStillValid {
        fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
            let present = Standard.recognise(account, presented, at);
            present.or_else(|| Standard.stolen_trust(account, presented))
        }

        fn stolen_trust(&self, _account: &Account, _claims: &PresentedDevice) -> Option<DeviceId> {
            None
        }
    }

    /// The age of trust is left to the client to look after.
    "trust-expiry-by-cookie-max-age" breaks "DEV-07": policy TrustNeverLapses {
        fn trust_lapsed(&self, _trust: &Trust, _at: At<'_>) -> bool {
            false
        }
    }

    /// Trust in use has no end of its own.
    "use-renews-trust-for-ever" breaks "DEV-07": policy UseRenewsTrust {
        fn rotate_trust(&self, device: &mut Device, token: TokenHash, at: At<'_>) {
            Standard.rotate_trust(device, token, at);
            if let Some(trust) = &mut device.trust {
                trust.granted_at = at.now;
            }
        }
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
    async fn insert(&self, account: Account) -> Result<bool, StoreError> {
        self.accounts.insert(account).await
    }

    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError> {
        self.accounts.by_email(email).await
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError> {
        self.accounts.by_token(token).await
    }

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError> {
        self.accounts.load(id).await
    }

    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError> {
        let (id, mut added) = (changed.account.id.clone(), trusted_phones(&changed.account));
        let before = self.accounts.load(&id).await?;
        let before = before.map_or_else(Vec::new, |before| trusted_phones(&before.account));
        added.retain(|phone| !before.contains(phone));
        let committed = self.accounts.commit(changed).await?;
        if committed == Committed::Conflict {
            return Ok(committed);
        }
        for phone in added {
            let before = {
                let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
                holder.insert(phone.clone(), id.clone())
            };
            let forget = |account: &mut Account| account.end_trust(|device| device.installation == phone);
            if let Some(other) = before.filter(|other| *other != id) {
                let store: &dyn Store = &self.accounts;
                store.transact(&other, forget).await;
            }
        }
        Ok(committed)
    }

    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError> {
        self.accounts.ids(from, most).await
    }

    async fn count(&self) -> Result<usize, StoreError> {
        self.accounts.count().await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.accounts.clear().await
    }
}
