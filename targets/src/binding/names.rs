//! The names that templates may use: an operation's arguments, what a device is, what the engine knows.

use crate::operation::{OperationKind, argument_names};

/// Set for every step: the device (`push_token` and `app_version` may be unset) and the target.
pub(super) const ALWAYS: &[&str] = &[
    "origin",
    "host",
    "device_name",
    "installation",
    "push_token",
    "app_version",
    "user_agent",
    "source",
];

/// What actors and routines have besides: a random word that is the same for a whole run.
pub(super) const RUN: &[&str] = &["run"];

/// What the two steps ask for besides their arguments: whether the device is to be remembered. Devices ask for it unless a
/// mutation says not to.
pub(super) const TRUST: &str = "trust";

/// The arguments of an operation.
pub(super) fn arguments(kind: OperationKind) -> Vec<&'static str> {
    let trust = asks_for_trust(kind).then_some(TRUST);
    argument_names(kind).iter().copied().chain(trust).collect()
}

pub(super) fn asks_for_trust(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::SignIn | OperationKind::Verify)
}

/// The arguments of all operations: what a routine, which any of them may call, can name.
pub(super) fn all_arguments() -> Vec<&'static str> {
    let mut names: Vec<&str> = OperationKind::ALL.iter().flat_map(|kind| arguments(*kind)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The facts that a step can tell.
pub(super) const FACTS: &[&str] = &["email", "device_id", "two_step"];
/// The facts of a challenge.
pub(super) const CHALLENGE: &[&str] = &["id", "method", "methods", "expires_at", "resend_at", "attempts_left"];
/// The facts of a device.
pub(super) const DEVICE: &[&str] = &["id", "name", "trusted", "current", "first_used_at", "last_used_at", "place"];
