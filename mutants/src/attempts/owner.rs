//! Guesses at passwords and guesses per source address: unlimited, put on the wrong address, or held against the owner.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use reference_server::account::{Account, Timestamp};
use reference_server::config::Network;
use reference_server::policy::{At, PasswordAttempt, Policy, Standard};

use crate::KnownBad;

pub(crate) const KNOWN_BAD: &[KnownBad] = &[
    KnownBad {
        slug: "no-ip-limit",
        requirement: "ATT-04",
        part: "policy",
        summary: "One address may guess at any number of accounts.",
        build: |server| server.deps.policy = Arc::new(NoIpLimit),
    },
    KnownBad {
        slug: "no-password-limit",
        requirement: "ATT-04",
        part: "policy",
        summary: "An account takes any number of wrong passwords.",
        build: |server| server.deps.policy = Arc::new(NoPasswordLimit),
    },
    KnownBad {
        slug: "xff-poisoning-lockout",
        requirement: "ATT-05",
        part: "policy",
        summary: "The address that a client names in a forwarding header is the one that is throttled.",
        build: |server| server.deps.policy = Arc::new(ForwardedForIsBelieved),
    },
    KnownBad {
        slug: "hard-lock-by-email",
        requirement: "ATT-06",
        part: "policy",
        summary: "Wrong passwords from anywhere keep the owner's trusted device out.",
        build: |server| server.deps.policy = Arc::new(HardLockByEmail),
    },
    KnownBad {
        slug: "code-lock-blocks-trusted-devices",
        requirement: "ATT-06",
        part: "policy",
        summary: "A lock for wrong codes keeps the owner's trusted device out, which needs none.",
        build: |server| server.deps.policy = Arc::new(CodeLockBlocksTrustedDevices),
    },
];

struct NoIpLimit;

impl Policy for NoIpLimit {
    fn source_blocked(&self, _failures: &VecDeque<Timestamp>, _at: At<'_>) -> Option<Timestamp> {
        None
    }
}

struct NoPasswordLimit;

impl Policy for NoPasswordLimit {
    fn password_blocked(&self, _account: &mut Account, _typist: PasswordAttempt<'_>, _at: At<'_>) -> Option<Timestamp> {
        None
    }
}

struct ForwardedForIsBelieved;

impl Policy for ForwardedForIsBelieved {
    fn source_address(&self, peer: IpAddr, forwarded: &[IpAddr], _trusted: &[Network]) -> IpAddr {
        forwarded.first().copied().unwrap_or(peer)
    }
}

struct HardLockByEmail;

impl Policy for HardLockByEmail {
    fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
        let anybody = PasswordAttempt {
            trusted: false,
            ..attempt
        };
        Standard.password_blocked(account, anybody, at)
    }
}

struct CodeLockBlocksTrustedDevices;

impl Policy for CodeLockBlocksTrustedDevices {
    fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
        let locked = Standard.codes_locked_until(account, at);
        locked.or_else(|| Standard.password_blocked(account, attempt, at))
    }
}
