//! What a service declares about itself. A check reads the declared value, and judges both that it is inside its bound
//! and that the observed behaviour equals it.

use serde::{Deserialize, Serialize};

use crate::profile::Profile;

mod bounds;

pub use bounds::OutOfBound;

/// The declared parameters, with the defaults of the specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Decimal digits of a code (at least 6: NIST SP 800-63B-4 §3.1.3.2).
    pub code_length: u32,
    /// Seconds a code lives from its issue (at most 600).
    pub code_ttl_s: u64,
    /// Seconds a whole challenge lives, whatever is resent (nist: at most 600).
    pub challenge_max_s: u64,
    /// Wrong guesses a challenge takes (1 to 10); the guess after that is refused unread.
    pub attempts_per_challenge: u32,
    /// Wrong guesses an account takes within `window_s`.
    pub account_wrong_limit: u32,
    /// The window of `account_wrong_limit`, seconds.
    pub window_s: u64,
    /// Consecutive wrong guesses after which codes stay off until the owner restores them (at most 100).
    pub account_consecutive_max: u32,
    /// Seconds a lock holds (at most 3600).
    pub lock_s: u64,
    /// Seconds between two sends of one challenge (at least 15).
    pub resend_cooldown_s: u64,
    pub sends_per_challenge: u32,
    /// Messages one account may cause in a day.
    pub sends_per_account_day: u32,
    pub live_challenges: u32,
    /// Failed passwords or codes one source address may cause, across accounts, within `source_window_s`.
    pub source_wrong_limit: u32,
    /// The window of `source_wrong_limit`, seconds.
    pub source_window_s: u64,
    /// Milliseconds until a removal holds everywhere (at most 1000).
    pub revoke_bound_ms: u64,
    /// Days trust lasts from its grant.
    pub trust_absolute_d: u64,
    /// Days trust lasts unused.
    pub trust_idle_d: u64,
    /// Seconds a session lasts, whatever is refreshed.
    pub session_absolute_s: u64,
    /// Seconds a session lasts unused; `None` where there is no idle limit.
    pub session_idle_s: Option<u64>,
    /// Seconds a proof of the password opens sensitive settings.
    pub reauth_max_s: u64,
    /// The lowest app version served while two-step verification is on, inclusive.
    pub min_version: String,
    pub password_min: usize,
    /// Seconds within which a request answers even when a provider hangs.
    pub delivery_answer_s: u64,
    /// Seconds within which 95 of 100 codes are handed to the provider at the nominal rate.
    pub delivery_p95_s: u64,
    /// Seconds after which an unfinished sign-in is reported to the owner.
    pub incomplete_notice_s: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            code_length: 6,
            code_ttl_s: 300,
            challenge_max_s: 900,
            attempts_per_challenge: 5,
            account_wrong_limit: 10,
            window_s: 3600,
            account_consecutive_max: 100,
            lock_s: 900,
            resend_cooldown_s: 30,
            sends_per_challenge: 5,
            sends_per_account_day: 20,
            live_challenges: 5,
            source_wrong_limit: 30,
            source_window_s: 600,
            revoke_bound_ms: 0,
            trust_absolute_d: 90,
            trust_idle_d: 30,
            session_absolute_s: 30 * 24 * 3600,
            session_idle_s: None,
            reauth_max_s: 300,
            min_version: "2.3.0".to_owned(),
            password_min: 8,
            delivery_answer_s: 5,
            delivery_p95_s: 5,
            incomplete_notice_s: 180,
        }
    }
}

impl Parameters {
    /// Defaults that are inside the bounds of a profile: those of the specification, narrowed where the profile asks for it.
    pub fn defaults(profile: Profile) -> Self {
        let plain = Self::default();
        match profile {
            Profile::Faq => plain,
            Profile::Asvs => Self {
                session_idle_s: Some(7 * 24 * 3600),
                ..plain
            },
            Profile::Nist => Self {
                challenge_max_s: 600,
                session_absolute_s: 24 * 3600,
                session_idle_s: Some(3600),
                password_min: 15,
                ..plain
            },
        }
    }

    /// Every declared value that is outside its bound in this profile.
    pub fn out_of_bounds(&self, profile: Profile) -> Vec<OutOfBound> {
        bounds::check(self, profile)
    }
}
