//! The route of a path, for logs and metrics: few values, none of them anybody's identifier.

/// The path with its identifiers left out; `other` for what the API does not have.
pub(crate) fn route_template(path: &str) -> &'static str {
    let mut segments = path.trim_start_matches('/').split('/');
    if segments.next() != Some("v1") {
        return "other";
    }
    match segments.collect::<Vec<_>>().as_slice() {
        ["accounts"] => "/v1/accounts",
        ["account", "password"] => "/v1/account/password",
        ["sign-ins"] => "/v1/sign-ins",
        ["challenge"] => "/v1/challenge",
        ["challenge", "resend"] => "/v1/challenge/resend",
        ["challenge", "method"] => "/v1/challenge/method",
        ["challenge", "verify"] => "/v1/challenge/verify",
        ["challenges"] => "/v1/challenges",
        ["challenges", _, "deny"] => "/v1/challenges/{id}/deny",
        ["session"] => "/v1/session",
        ["session", "refresh"] => "/v1/session/refresh",
        ["session", "reauthenticate"] => "/v1/session/reauthenticate",
        ["devices"] => "/v1/devices",
        ["devices", "current", "push"] => "/v1/devices/current/push",
        ["devices", _] => "/v1/devices/{id}",
        ["activity"] => "/v1/activity",
        ["two-step"] => "/v1/two-step",
        ["password-resets"] => "/v1/password-resets",
        ["password-resets", "complete"] => "/v1/password-resets/complete",
        _ => "other",
    }
}
