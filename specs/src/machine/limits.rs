//! The limits a machine runs under. A live target's are its declared parameters, in seconds; the exploration counts in ticks.

use crate::machine::state::Seconds;
use crate::parameters::Parameters;

/// Lifetimes and caps. A limit that is `None` does not exist, and the moments it would look at are not recorded: states
/// that differ only in them behave alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A code's life from its issue.
    pub code_ttl: Seconds,
    pub challenge_max: Seconds,
    /// Wrong guesses a challenge takes.
    pub attempts: u32,
    /// Wrong guesses an account takes within the window.
    pub account_wrong: u32,
    /// The window of `account_wrong`; without one, only a success or a lock forgets.
    pub window: Option<Seconds>,
    /// Consecutive wrong guesses after which codes stay off.
    pub consecutive: u32,
    pub lock: Seconds,
    /// Time between two sends to one device's challenges.
    pub cooldown: Seconds,
    pub sends: u32,
    /// Messages one account may cause in a day.
    pub account_sends: u32,
    /// The day of `account_sends`; without one, nothing is forgotten.
    pub day: Option<Seconds>,
    pub live: u32,
    /// How long trust lasts from its grant.
    pub trust_absolute: Option<Seconds>,
    /// How long trust lasts unused.
    pub trust_idle: Option<Seconds>,
    /// How long a session lasts.
    pub session_absolute: Option<Seconds>,
    /// How long a session lasts unused.
    pub session_idle: Option<Seconds>,
    /// Whether codes travel by push to trusted devices first.
    pub push: bool,
}

impl From<&Parameters> for Limits {
    fn from(p: &Parameters) -> Self {
        const DAY: Seconds = 24 * 3600;
        Self {
            code_ttl: p.code_ttl_s,
            challenge_max: p.challenge_max_s,
            attempts: p.attempts_per_challenge,
            account_wrong: p.account_wrong_limit,
            window: Some(p.window_s),
            consecutive: p.account_consecutive_max,
            lock: p.lock_s,
            cooldown: p.resend_cooldown_s,
            sends: p.sends_per_challenge,
            account_sends: p.sends_per_account_day,
            day: Some(DAY),
            live: p.live_challenges,
            trust_absolute: Some(p.trust_absolute_d.saturating_mul(DAY)),
            trust_idle: Some(p.trust_idle_d.saturating_mul(DAY)),
            session_absolute: Some(p.session_absolute_s),
            session_idle: p.session_idle_s,
            push: true,
        }
    }
}

/// The moment, where some limit looks at it.
pub(crate) fn stamp(now: Seconds, limits: &[Option<Seconds>]) -> Seconds {
    if limits.iter().any(Option::is_some) { now } else { 0 }
}

/// Whether `limit` has passed since `from`.
pub(crate) fn passed(from: Seconds, limit: Option<Seconds>, now: Seconds) -> bool {
    limit.is_some_and(|limit| now >= from.saturating_add(limit))
}
