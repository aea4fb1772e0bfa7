//! Guesses at passwords and guesses per source address: unlimited, put on the wrong address, or held against the owner.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use reference_server::domain::{Account, Timestamp};
use reference_server::rules::{AttemptRules, SourceRules, Standard, Typist};
use reference_server::settings::{Network, Settings};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "no-ip-limit",
        requirement: "ATT-04",
        part: "rules.sources",
        summary: "One address may guess at any number of accounts.",
        build: |mut parts| {
            parts.rules.sources = Arc::new(NoIpLimit);
            parts
        },
    },
    KnownBad {
        slug: "no-password-limit",
        requirement: "ATT-04",
        part: "rules.attempts",
        summary: "An account takes any number of wrong passwords.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(NoPasswordLimit);
            parts
        },
    },
    KnownBad {
        slug: "xff-poisoning-lockout",
        requirement: "ATT-05",
        part: "rules.sources",
        summary: "The address that a client names in a forwarding header is the one that is throttled.",
        build: |mut parts| {
            parts.rules.sources = Arc::new(ForwardedForIsBelieved);
            parts
        },
    },
    KnownBad {
        slug: "hard-lock-by-email",
        requirement: "ATT-06",
        part: "rules.attempts",
        summary: "Wrong passwords from anywhere keep the owner's trusted device out.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(HardLockByEmail);
            parts
        },
    },
    KnownBad {
        slug: "code-lock-blocks-trusted-devices",
        requirement: "ATT-06",
        part: "rules.attempts",
        summary: "A lock for wrong codes keeps the owner's trusted device out, which needs none.",
        build: |mut parts| {
            parts.rules.attempts = Arc::new(CodeLockBlocksTrustedDevices);
            parts
        },
    },
];

struct NoIpLimit;

impl SourceRules for NoIpLimit {
    fn blocked(&self, _failures: &VecDeque<Timestamp>, _now: Timestamp, _settings: &Settings) -> Option<Timestamp> {
        None
    }
}

struct NoPasswordLimit;

impl AttemptRules for NoPasswordLimit {
    fn password_blocked(
        &self,
        _account: &mut Account,
        _typist: Typist<'_>,
        _now: Timestamp,
        _settings: &Settings,
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
        typist: Typist<'_>,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<Timestamp> {
        let anybody = Typist {
            trusted: false,
            ..typist
        };
        Standard.password_blocked(account, anybody, now, settings)
    }
}

struct CodeLockBlocksTrustedDevices;

impl AttemptRules for CodeLockBlocksTrustedDevices {
    fn password_blocked(
        &self,
        account: &mut Account,
        typist: Typist<'_>,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<Timestamp> {
        let locked = Standard.locked_until(account, now, settings);
        locked.or_else(|| Standard.password_blocked(account, typist, now, settings))
    }
}
