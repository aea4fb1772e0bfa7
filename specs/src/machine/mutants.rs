//! Mutants of the machine: each takes one decision wrongly. They tell that the invariants can fail, and stand in for a target
//! that errs. `tests/exploration.rs` finds for each of them the invariant that it breaks.

use crate::channel::Channel;
use crate::machine::invariants::Invariant;
use crate::machine::limits::Limits;
use crate::machine::op::{App, Misuse, Password};
use crate::machine::rules::{Admission, Rules, SignInFacts, Spec, Submission};
use crate::machine::state::{Account, Challenge, DeviceId, Seconds, Session, Status};

/// A machine with one decision changed.
#[derive(Clone, Copy)]
pub struct Mutant {
    pub slug: &'static str,
    pub breaks: Invariant,
    pub rules: &'static dyn Rules,
}

/// The mutant of this name.
pub fn named(slug: &str) -> Option<&'static Mutant> {
    ALL.iter().find(|mutant| mutant.slug == slug)
}

macro_rules! mutants {
    ($($slug:literal, $name:ident breaks $breaks:ident: $method:item)*) => {
        $(
            struct $name;
            impl Rules for $name { $method }
        )*
        /// All of them, by the invariant they break.
        pub const ALL: &[Mutant] = &[$(Mutant { slug: $slug, breaks: Invariant::$breaks, rules: &$name }),*];
    };
}

mutants! {
    "first-device-free-pass", FirstDeviceFreePass breaks I1:
    fn admission(&self, facts: SignInFacts) -> Admission {
        match Spec.admission(facts) {
            Admission::CodeAsked if !facts.any_trusted => Admission::SignedIn,
            right => right,
        }
    }
    "old-app-exempt", OldAppExempt breaks I1:
    fn admission(&self, facts: SignInFacts) -> Admission {
        if facts.app == App::Old { Admission::SignedIn } else { Spec.admission(facts) }
    }
    "trusted-on-challenge-created", TrustedOnChallenge breaks I1:
    fn trusts_on_challenge(&self) -> bool {
        true
    }
    "signed-in-while-off-becomes-trusted", TrustedWhileOff breaks I1:
    fn trusts_without_code(&self) -> bool {
        true
    }
    "reset-signs-in", ResetSignsIn breaks I1:
    fn reset_signs_in(&self) -> Option<DeviceId> {
        Some(0)
    }

    "code-not-consumed", CodeNotConsumed breaks I2:
    fn after_acceptance(&self) -> Status {
        Status::Live
    }
    "verified-still-takes-guesses", VerifiedTakesGuesses breaks I2:
    fn takes_guesses(&self, challenge: &Challenge, now: Seconds, limits: &Limits) -> bool {
        matches!(challenge.status, Status::Live | Status::Verified) && now < challenge.created_at + limits.challenge_max
    }
    "resend-revives", ResendRevives breaks I2:
    fn can_be_resent(&self, _: &Challenge, _: Seconds, _: &Limits) -> bool {
        true
    }

    "old-code-still-valid", OldCodeValid breaks I3:
    fn matches(&self, shown: Submission<'_>) -> bool {
        shown.code.is_some_and(|code| code.challenge == shown.newest.challenge)
    }
    "latest-code-per-account", LatestPerAccount breaks I3:
    fn matches(&self, shown: Submission<'_>) -> bool {
        let account = |id| shown.state.challenge(id).map(|c| c.key.account);
        shown.code.is_some_and(|code| {
            account(code.challenge) == Some(shown.challenge.key.account) && shown.state.newest_code(code.challenge) == Some(code)
        })
    }
    "global-code-table", GlobalCodes breaks I3:
    fn matches(&self, shown: Submission<'_>) -> bool {
        shown.code.is_some_and(|code| shown.state.newest_code(code.challenge) == Some(code))
    }
    "no-expiry-check", NoExpiry breaks I3:
    fn is_fresh(&self, _: &Challenge, _: Seconds, _: &Limits) -> bool {
        true
    }
    "push-code-survives-switch", PushSurvivesSwitch breaks I3:
    fn matches(&self, shown: Submission<'_>) -> bool {
        let switched = shown.challenge.former_method == Some(Channel::Push) && shown.challenge.method == Channel::Email;
        shown.code == Some(shown.newest) || switched && shown.code.is_some_and(|c| c.challenge == shown.newest.challenge)
    }

    "no-cap", NoCap breaks I4:
    fn has_guess_left(&self, _: u32, _: &Limits) -> bool {
        true
    }
    "per-challenge-only", PerChallengeOnly breaks I4:
    fn locks(&self, _: usize, _: &Limits) -> bool {
        false
    }
    "resend-resets-counter", ResendResets breaks I4:
    fn attempts_after_send(&self, _: u32) -> u32 {
        0
    }
    "password-ok-clears-code-failures", PasswordClears breaks I4:
    fn password_clears_wrong_codes(&self) -> bool {
        true
    }
    "hourly-window-forgets", NoHardLimit breaks I4:
    fn turns_codes_off(&self, _: u32, _: &Limits) -> bool {
        false
    }

    "pending-can-toggle", PendingToggles breaks I5:
    fn pending_may(&self, misuse: Misuse) -> bool {
        misuse == Misuse::SwitchOff
    }
    "pending-can-remove", PendingRemoves breaks I5:
    fn pending_may(&self, misuse: Misuse) -> bool {
        matches!(misuse, Misuse::Remove(_))
    }
    "pending-can-read", PendingReads breaks I5:
    fn pending_may(&self, misuse: Misuse) -> bool {
        misuse == Misuse::Use
    }

    "removal-keeps-session", RemovalKeepsSession breaks I6:
    fn removal_ends_session(&self) -> bool {
        false
    }
    "removal-keeps-trust", RemovalKeepsTrust breaks I6:
    fn removal_ends_trust(&self) -> bool {
        false
    }
    "removal-keeps-challenges", RemovalKeepsChallenges breaks I6:
    fn removal_ends_challenges(&self) -> bool {
        false
    }
    "refresh-resurrects", RefreshResurrects breaks I6:
    fn renews(&self, _: Option<&Session>) -> bool {
        true
    }
    "sign-out-only-forgets-locally", SignOutLocally breaks I6:
    fn sign_out_ends_session(&self) -> bool {
        false
    }

    "push-to-pending-device", PushToPending breaks I7:
    fn recipients(&self, mut trusted: Vec<DeviceId>, requester: DeviceId) -> Vec<DeviceId> {
        trusted.push(requester);
        trusted
    }
    "no-send-cap", NoSendCap breaks I7:
    fn may_send(&self, _: u32, _: u32, _: &Limits) -> bool {
        true
    }
    "no-cooldown", NoCooldown breaks I7:
    fn cooled_down(&self, _: Option<Seconds>, _: Seconds, _: &Limits) -> bool {
        true
    }
    "code-sent-on-wrong-password", SentOnWrongPassword breaks I7:
    fn challenges_wrong_password(&self) -> bool {
        true
    }

    "push-to-nobody", PushToNobody breaks I7:
    fn first_method(&self, _: bool) -> Channel {
        Channel::Push
    }

    "hard-lock-by-email", HardLock breaks I8:
    fn after_wrong_password(&self, account: &mut Account, now: Seconds, limits: &Limits) {
        account.locked_until = Some(now + limits.lock);
    }
    "lock-stops-trusted-devices", LockStopsTrusted breaks I8:
    fn lock_stops_sign_in(&self, _: bool) -> bool {
        true
    }
    "evict-oldest-challenge", Evicts breaks I8:
    fn evicts(&self) -> bool {
        true
    }
    "remove-by-device-id-only", RemovesForeign breaks I8:
    fn removes_only_own(&self) -> bool {
        false
    }
    "former-password-admits", FormerAdmits breaks I8:
    fn admits_password(&self, password: Password, trusted: bool) -> bool {
        password == Password::Right || (trusted && password == Password::Former)
    }

    "password-change-keeps-sessions", ChangeKeepsSessions breaks I9:
    fn new_password_ends_sessions(&self) -> bool {
        false
    }
    "password-change-keeps-challenges", ChangeKeepsChallenges breaks I9:
    fn new_password_ends_challenges(&self) -> bool {
        false
    }
    "trust-survives-password-change", ChangeKeepsTrust breaks I9:
    fn change_ends_other_trust(&self) -> bool {
        false
    }
    "old-sessions-survive-enable", ToggleKeepsSessions breaks I9:
    fn switching_on_ends_untrusted(&self) -> bool {
        false
    }
    "toggle-keeps-challenges", ToggleKeepsChallenges breaks I9:
    fn toggle_ends_challenges(&self) -> bool {
        false
    }

    "no-email-fallback", NoEmail breaks I10:
    fn offers_email(&self) -> bool {
        false
    }
    "permanent-lock", PermanentLock breaks I10:
    fn is_locked(&self, account: &Account, _: Seconds) -> bool {
        account.locked_until.is_some()
    }
    "challenges-never-end", NeverEnds breaks I10:
    fn takes_guesses(&self, challenge: &Challenge, _: Seconds, _: &Limits) -> bool {
        challenge.status == Status::Live
    }
}
