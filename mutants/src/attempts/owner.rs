//! Guesses at passwords and guesses per source address: unlimited, put on the wrong address, or held against the owner.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use reference_server::account::{Account, Timestamp};
use reference_server::config::{Config, Network};
use reference_server::rules::{AttemptRules, PasswordAttempt, SourceRules, Standard};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "no-ip-limit",
        requirement: "ATT-04",
        part: "rules.sources",
        summary: "One address may guess at any number of accounts.",
        build: |mut deps| {
            deps.rules.sources = Arc::new(NoIpLimit);
            deps
        },
    },
    KnownBad {
        slug: "no-password-limit",
        requirement: "ATT-04",
        part: "rules.attempts",
        summary: "An account takes any number of wrong passwords.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(NoPasswordLimit);
            deps
        },
    },
    KnownBad {
        slug: "xff-poisoning-lockout",
        requirement: "ATT-05",
        part: "rules.sources",
        summary: "The address that a client names in a forwarding header is the one that is throttled.",
        build: |mut deps| {
            deps.rules.sources = Arc::new(ForwardedForIsBelieved);
            deps
        },
    },
    KnownBad {
        slug: "hard-lock-by-email",
        requirement: "ATT-06",
        part: "rules.attempts",
        summary: "Wrong passwords from anywhere keep the owner's trusted device out.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(HardLockByEmail);
            deps
        },
    },
    KnownBad {
        slug: "code-lock-blocks-trusted-devices",
        requirement: "ATT-06",
        part: "rules.attempts",
        summary: "A lock for wrong codes keeps the owner's trusted device out, which needs none.",
        build: |mut deps| {
            deps.rules.attempts = Arc::new(CodeLockBlocksTrustedDevices);
            deps
        },
    },
];

struct NoIpLimit;

impl SourceRules for NoIpLimit {
    fn blocked(&self, _failures: &VecDeque<Timestamp>, _now: Timestamp, _settings: &Config) -> Option<Timestamp> {
        None
    }
}

struct NoPasswordLimit;

impl AttemptRules for NoPasswordLimit {
    fn password_blocked(
        &self,
        _account: &mut Account,
        _typist: PasswordAttempt<'_>,
        _now: Timestamp,
        _settings: &Config,
    ) -> Option<Timestamp> {
        None
    }
}

struct ForwardedForIsBelieved;

impl SourceRules for ForwardedForIsBelieved {
    fn address(&self, peer: IpAddr, forwarded: &[IpAddr], _trusted: &[Network]) -> IpAddr {
        forwarded.first().copied().unwrap_or(peer)
    }
}

struct HardLockByEmail;

impl AttemptRules for HardLockByEmail {
    fn password_blocked(
        &self,
        account: &mut Account,
        attempt: PasswordAttempt<'_>,
        now: Timestamp,
        config: &Config,
    ) -> Option<Timestamp> {
        let anybody = PasswordAttempt {
            trusted: false,
            ..attempt
        };
        Standard.password_blocked(account, anybody, now, config)
    }
}

struct CodeLockBlocksTrustedDevices;

impl AttemptRules for CodeLockBlocksTrustedDevices {
    fn password_blocked(
        &self,
        account: &mut Account,
        attempt: PasswordAttempt<'_>,
        now: Timestamp,
        config: &Config,
    ) -> Option<Timestamp> {
        let locked = Standard.locked_until(account, now, config);
        locked.or_else(|| Standard.password_blocked(account, attempt, now, config))
    }
}
