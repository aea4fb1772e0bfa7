//! Guesses at passwords and guesses per source address: unlimited, put on the wrong address, or held against the owner.

use std::collections::VecDeque;
use std::net::IpAddr;

use reference_server::account::{Account, Timestamp};
use reference_server::config::Network;
use reference_server::policy::{At, PasswordAttempt, Standard};

mutants! {
    /// One address may guess at any number of accounts.
    "no-ip-limit" breaks "ATT-04": policy NoIpLimit {
        fn source_blocked(&self, _failures: &VecDeque<Timestamp>, _at: At<'_>) -> Option<Timestamp> {
            None
        }
    }

    /// An account takes any number of wrong passwords.
    "no-password-limit" breaks "ATT-04": policy NoPasswordLimit {
        fn password_blocked(&self, _account: &mut Account, _typist: PasswordAttempt<'_>, _at: At<'_>) -> Option<Timestamp> {
            None
        }
    }

    /// The address that a client names in a forwarding header is the one that is throttled.
    "xff-poisoning-lockout" breaks "ATT-05": policy ForwardedForIsBelieved {
        fn source_address(&self, peer: IpAddr, forwarded: &[IpAddr], _trusted: &[Network]) -> IpAddr {
            forwarded.first().copied().unwrap_or(peer)
        }
    }

    /// Wrong passwords from anywhere keep the owner's trusted device out.
    "hard-lock-by-email" breaks "ATT-06": policy HardLockByEmail {
        fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
            let anybody = PasswordAttempt {
                trusted: false,
                ..attempt
            };
            Standard.password_blocked(account, anybody, at)
        }
    }

    /// A lock for wrong codes keeps the owner's trusted device out, which needs none.
    "code-lock-blocks-trusted-devices" breaks "ATT-06": policy CodeLockBlocksTrustedDevices {
        fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
            let locked = Standard.codes_locked_until(account, at);
            locked.or_else(|| Standard.password_blocked(account, attempt, at))
        }
    }
}
