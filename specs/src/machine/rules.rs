//! Every decision of the machine, one small method each. The provided bodies are right; a mutant overrides one.

use crate::channel::Channel;
use crate::machine::limits::Limits;
use crate::machine::op::{App, Code, Misuse, Password};
use crate::machine::state::{Account, Challenge, DeviceId, Seconds, Session, State, Status};

/// The right machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spec;

impl Rules for Spec {}

/// What the decision about a code is taken on.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The challenge whose handle came with it.
    pub challenge: &'a Challenge,
    /// That challenge's newest code.
    pub newest: Code,
    /// The code that was shown; `None` is one that was never issued.
    pub code: Option<Code>,
    /// Everything, for machines that look further than they should.
    pub state: &'a State,
}

/// What a sign-in with the right password is decided on.
#[derive(Clone, Copy, Debug)]
pub struct SignInFacts {
    /// The account's setting.
    pub two_step: bool,
    /// Whether this device is trusted for the account.
    pub trusted: bool,
    /// Whether any device is.
    pub any_trusted: bool,
    /// The app's version.
    pub app: App,
}

/// What the right password brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A session.
    SignedIn,
    /// A challenge.
    CodeAsked,
    /// Nothing.
    Refused,
}

/// The decisions.
pub trait Rules: Send + Sync {
    /// Whether a password lets step one go on (SIGN-02, DEV-02).
    fn admits_password(&self, password: Password, _trusted: bool) -> bool {
        password == Password::Right
    }

    /// What a wrong password does to the account (ATT-06).
    fn after_wrong_password(&self, _account: &mut Account, _now: Seconds, _limits: &Limits) {}

    /// Whether a challenge is opened although the password was wrong (SIGN-02).
    fn challenges_wrong_password(&self) -> bool {
        false
    }

    /// What the right password brings (SIGN-01, METH-05, VER-01, VER-05, VER-06).
    fn admission(&self, facts: SignInFacts) -> Admission {
        match facts {
            SignInFacts { two_step: false, .. } => Admission::SignedIn,
            SignInFacts { app: App::Old, .. } => Admission::Refused,
            SignInFacts { trusted: true, .. } => Admission::SignedIn,
            _ => Admission::CodeAsked,
        }
    }

    /// Whether a lock on codes also keeps a device from signing in (ATT-06).
    fn lock_stops_sign_in(&self, _trusted: bool) -> bool {
        false
    }

    /// Whether step one alone makes the device trusted (DEV-01).
    fn trusts_on_challenge(&self) -> bool {
        false
    }

    /// Whether signing in while two-step verification is off makes the device trusted (DEV-01, TOGL-03).
    fn trusts_without_code(&self) -> bool {
        false
    }

    /// Whether the right password clears the count of wrong codes (ATT-09).
    fn password_clears_wrong_codes(&self) -> bool {
        false
    }

    /// Whether another challenge may be opened (SIGN-06).
    fn has_room(&self, live: u32, limits: &Limits) -> bool {
        live < limits.live
    }

    /// Whether the oldest live challenge makes way when there is no room (SIGN-06).
    fn evicts(&self) -> bool {
        false
    }

    /// Whether enough time passed since the last message to this device's challenges (RSND-03).
    fn cooled_down(&self, last_sent: Option<Seconds>, now: Seconds, limits: &Limits) -> bool {
        last_sent.is_none_or(|last| now >= last.saturating_add(limits.cooldown))
    }

    /// Whether the caps allow one more message (RSND-03).
    fn may_send(&self, of_challenge: u32, of_account: u32, limits: &Limits) -> bool {
        of_challenge < limits.sends && of_account < limits.account_sends
    }

    /// How a new challenge's code travels (METH-01, METH-02).
    fn first_method(&self, others_trusted: bool) -> Channel {
        if others_trusted { Channel::Push } else { Channel::Email }
    }

    /// Whether the code can be had by email on request (METH-02).
    fn offers_email(&self) -> bool {
        true
    }

    /// Whether a code that is asked for again goes by email where no device is left to receive it by push. Left open by the
    /// specification: the other way is to refuse, and to wait for email to be asked for (RSND-01, METH-02).
    fn falls_back_to_email(&self) -> bool {
        false
    }

    /// The devices that get a push (METH-07).
    fn recipients(&self, trusted: Vec<DeviceId>, requester: DeviceId) -> Vec<DeviceId> {
        trusted.into_iter().filter(|device| *device != requester).collect()
    }

    /// Attempts counted after a resend or a switch (ATT-02, METH-04).
    fn attempts_after_send(&self, attempts: u32) -> u32 {
        attempts
    }

    /// Whether the challenge can be sent again (LIFE-03, LIFE-02).
    fn can_be_resent(&self, challenge: &Challenge, now: Seconds, limits: &Limits) -> bool {
        self.takes_guesses(challenge, now, limits)
    }

    /// Whether the challenge takes guesses at all (LIFE-02, LIFE-03, LIFE-05).
    fn takes_guesses(&self, challenge: &Challenge, now: Seconds, limits: &Limits) -> bool {
        challenge.status == Status::Live && now < challenge.created_at.saturating_add(limits.challenge_max)
    }

    /// Whether the newest code is still alive (LIFE-01).
    fn is_fresh(&self, challenge: &Challenge, now: Seconds, limits: &Limits) -> bool {
        now < challenge.issued_at.saturating_add(limits.code_ttl)
    }

    /// Whether a guess at a code that is over by time is counted. Left open by the specification.
    fn counts_stale_guesses(&self) -> bool {
        false
    }

    /// Whether the account's lock holds (ATT-07).
    fn is_locked(&self, account: &Account, now: Seconds) -> bool {
        account.locked_until.is_some_and(|until| now < until)
    }

    /// Whether the count of the window starts anew with a lock. Left open by the specification: where it does not, one more
    /// wrong guess locks again until the window has passed.
    fn lock_empties_window(&self) -> bool {
        true
    }

    /// Whether a new password lifts a lock on codes. Left open by the specification.
    fn new_password_lifts_lock(&self) -> bool {
        false
    }

    /// Whether the challenge has a guess left (ATT-01).
    fn has_guess_left(&self, attempts: u32, limits: &Limits) -> bool {
        attempts < limits.attempts
    }

    /// Whether the account locks after so many wrong guesses in the window (ATT-02).
    fn locks(&self, wrong: usize, limits: &Limits) -> bool {
        wrong >= limits.account_wrong as usize
    }

    /// Whether codes go off after so many wrong guesses in a row (ATT-03).
    fn turns_codes_off(&self, consecutive: u32, limits: &Limits) -> bool {
        consecutive >= limits.consecutive
    }

    /// Whether the code is the right one (BIND-01, BIND-02, RSND-02, METH-04).
    fn matches(&self, shown: Submission<'_>) -> bool {
        shown.code == Some(shown.newest)
    }

    /// What an accepted code makes of the challenge (LIFE-03).
    fn after_acceptance(&self) -> Status {
        Status::Verified
    }

    /// What a pending handle may do beyond its own challenge (SESS-01).
    fn pending_may(&self, _wish: Misuse) -> bool {
        false
    }

    /// Whether a session is renewed (SESS-04, DEV-10).
    fn renews(&self, session: Option<&Session>) -> bool {
        session.is_some()
    }

    /// Whether signing out ends the session on the server (SESS-04).
    fn sign_out_ends_session(&self) -> bool {
        true
    }

    /// Whether signing out forgets the device (DEV-02).
    fn sign_out_ends_trust(&self) -> bool {
        false
    }

    /// Whether only devices of the own account can be removed (DEV-09).
    fn removes_only_own(&self) -> bool {
        true
    }

    /// Whether a removal ends the device's session (DEV-10).
    fn removal_ends_session(&self) -> bool {
        true
    }

    /// Whether a removal ends the device's trust (DEV-11).
    fn removal_ends_trust(&self) -> bool {
        true
    }

    /// Whether a removal ends the device's pending challenges.
    fn removal_ends_challenges(&self) -> bool {
        true
    }

    /// Whether switching off takes a fresh proof of the password (TOGL-02).
    fn switching_off_needs_proof(&self) -> bool {
        true
    }

    /// Whether switching on ends the sessions of devices that are not trusted (TOGL-03).
    fn switching_on_ends_untrusted(&self) -> bool {
        true
    }

    /// Whether the device that switches on stays signed in although it is not trusted. Left open by the specification.
    fn switching_on_spares_acting(&self) -> bool {
        false
    }

    /// Whether a change of the setting voids pending challenges (LIFE-05).
    fn toggle_ends_challenges(&self) -> bool {
        true
    }

    /// Whether a new password ends the other sessions (PWD-05).
    fn new_password_ends_sessions(&self) -> bool {
        true
    }

    /// Whether a new password voids pending challenges (LIFE-05).
    fn new_password_ends_challenges(&self) -> bool {
        true
    }

    /// Whether a change from a session ends the trust of the other devices (PWD-05).
    fn change_ends_other_trust(&self) -> bool {
        true
    }

    /// Whether a reset by email drops all trust (PWD-05, PWD-07).
    fn reset_ends_trust(&self) -> bool {
        false
    }

    /// Whether a reset by email opens a session (PWD-06): on which device, if any.
    fn reset_signs_in(&self) -> Option<DeviceId> {
        None
    }
}
