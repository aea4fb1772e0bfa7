//! Every decision that a server could take otherwise, as one trait: a method a decision, the right one as its provided body, and
//! the requirement it keeps in its doc comment. A composition that replaces a single decision implements that method and nothing
//! else; it can hand over to [`Standard`] for the rest of it.
//!
//! Decisions are taken on plain values and on the account that a transaction works on. They do no I/O, and one that is taken again
//! because another transaction was faster comes out the same.
//!
//! What only one answer is possible to stands beside the trait as plain functions, by area: [`identifiers`], [`passwords`],
//! [`resets`], [`notices`] and so on.
// One trait is one file. It is a list to look things up in, in the order of a sign-in, not a text to read through.

pub mod activity;
pub mod attempts;
pub mod delivery;
pub mod devices;
pub mod identifiers;
pub mod notices;
pub mod passwords;
pub mod resets;
mod sends;
pub mod sessions;
mod sign_in;
pub mod sources;
mod versions;

use std::collections::VecDeque;
use std::net::IpAddr;

use semver::Version;

pub use attempts::{Guess, PasswordAttempt};
pub use notices::Event;
pub use sends::{Limit, RateLimited};
pub use sessions::Renewal;
pub use sign_in::{Admission, SignInFacts};
pub use sources::SourceEvent;

use crate::account::{
    Account, Challenge, ChallengeId, ChallengeState, Device, DeviceId, Method, Session, SessionId, StoredCode, Timestamp,
    TokenHash, Trust,
};
use crate::config::{Config, Network};
use crate::ports::Recipient;

/// A day in seconds.
pub const DAY_S: u64 = 24 * 3600;

/// Former credentials of a session or of a device's trust that are still recognised as stolen.
const REPLACED_KEPT: usize = 16;

/// When a decision is taken, and what is declared then.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    pub now: Timestamp,
    pub config: &'a Config,
}

/// What a device says of itself, and the trust credential it presents.
#[derive(Clone, Debug)]
pub struct PresentedDevice {
    pub token: Option<TokenHash>,
    /// The identifier its app chose: never a proof (DEV-04).
    pub installation: String,
    pub name: String,
    pub push_token: Option<String>,
}

/// How a session came to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// By the device's own second step, which asked for trust or declined it.
    SecondStep { wanted: bool },
    /// By the password alone, two-step verification being off.
    Password,
}

/// A change of the account's security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    PasswordChanged,
    PasswordReset,
    TwoStepOn,
    TwoStepOff,
    Disabled,
}

/// The right decision everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

impl Policy for Standard {}

/// The decisions of a server.
pub trait Policy: Send + Sync {
    // Step one.

    /// The password comes first, so that a code always means that it was known (SIGN-02) and the gate tells nothing to
    /// anybody else (VER-06). The gate stands before the challenge, so that nothing is sent to an old app (VER-01), and no
    /// version weakens the step (VER-05). Without trust there is a challenge, for the first device too (SIGN-01, METH-05).
    fn admit(&self, facts: &SignInFacts) -> Admission {
        if !facts.password_right || !facts.active {
            Admission::Refuse
        } else if !facts.two_step {
            Admission::Session
        } else if !facts.version_served {
            Admission::UpdateRequired
        } else if facts.trusted {
            Admission::Session
        } else {
            Admission::Challenge
        }
    }

    /// Exactly one well-formed version (VER-04), not below the minimum, which is itself served (VER-01, VER-02).
    fn version_served(&self, claimed: &[String], minimum: &Version) -> bool {
        match claimed {
            [one] => self
                .parse_version(one)
                .is_some_and(|version| version.cmp_precedence(minimum).is_ge()),
            _ => false,
        }
    }

    /// Numeric components, missing ones 0; pre-releases below their release, build metadata ignored (VER-03, SemVer 2.0.0
    /// item 11). Leading zeros are refused.
    fn parse_version(&self, text: &str) -> Option<Version> {
        versions::parse(text)
    }

    // Sources: whose address counts, and how often.

    /// The peer's address; behind a configured proxy, the nearest hop that is not one, as that proxy asserts it (ATT-05,
    /// RFC 7239 §8). Nothing a client can choose: what could not be read, and all to the left of it, is not among the hops.
    fn source_address(&self, peer: IpAddr, forwarded: &[IpAddr], trusted: &[Network]) -> IpAddr {
        let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
        if !is_proxy(&peer) {
            return peer;
        }
        forwarded.iter().rev().find(|hop| !is_proxy(hop)).copied().unwrap_or(peer)
    }

    /// When this address may try again; `None` when it may now (ATT-04).
    fn source_blocked(&self, failures: &VecDeque<Timestamp>, at: At<'_>) -> Option<Timestamp> {
        let start = at.now.minus_s(at.config.source_window_s);
        let recent = failures.iter().filter(|failed_at| **failed_at > start).count();
        // One that takes none has had its last with the first.
        let limit = at.config.source_wrong_limit.max(1) as usize;
        (recent >= limit).then(|| failures[failures.len() - limit].plus_s(at.config.source_window_s))
    }

    /// Keeps the count. A success of one account gives back nothing that protects another (ATT-09).
    fn count_source_event(&self, failures: &mut VecDeque<Timestamp>, event: SourceEvent, at: At<'_>) {
        if event == SourceEvent::Failure {
            failures.push_back(at.now);
        }
    }

    // Passwords that are typed.

    /// When a password may be tried again; `None` when it may now. Trusted devices have a count of their own (ATT-04,
    /// ATT-06), and every place that takes a password shares it (ATT-11). After as many in a row as codes take, only a new
    /// password helps, however slowly they came (ATT-04).
    fn password_blocked(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) -> Option<Timestamp> {
        let config = at.config;
        let start = at.now.minus_s(config.window_s);
        let failures = attempts::password_failures(account, attempt.trusted);
        failures.recent.retain(|failed_at| *failed_at > start);
        if failures.in_a_row >= config.account_consecutive_max {
            return Some(at.now.plus_s(config.lock_s));
        }
        let first = failures.recent.len().checked_sub(config.account_wrong_limit as usize)?;
        failures.recent.get(first).map(|failed_at| failed_at.plus_s(config.window_s))
    }

    /// Counts a wrong password.
    fn password_was_wrong(&self, account: &mut Account, attempt: PasswordAttempt<'_>, at: At<'_>) {
        let failures = attempts::password_failures(account, attempt.trusted);
        failures.recent.push(at.now);
        failures.in_a_row += 1;
    }

    /// A right password by itself resets nothing (ATT-09).
    fn password_was_right(&self, _account: &mut Account, _attempt: PasswordAttempt<'_>) {}

    // Trust of a device.

    /// The device of this account whose present credential is presented, unless its trust has lapsed (DEV-02, DEV-03,
    /// DEV-04, DEV-11).
    fn recognise(&self, account: &Account, presented: &PresentedDevice, at: At<'_>) -> Option<DeviceId> {
        let token = presented.token?;
        let holds = |device: &&Device| device.trust.as_ref().is_some_and(|trust| trust.token == token);
        let device = account.devices.iter().find(holds)?;
        let trust = device.trust.as_ref()?;
        (!self.trust_lapsed(trust, at)).then(|| device.id.clone())
    }

    /// Trust ends a declared time after its grant, and after lying unused (DEV-07).
    fn trust_lapsed(&self, trust: &Trust, at: At<'_>) -> bool {
        at.now >= trust.granted_at.plus_s(at.config.trust_absolute_d * DAY_S)
            || at.now >= trust.used_at.plus_s(at.config.trust_idle_d * DAY_S)
    }

    /// Whether a sign-in makes its device trusted: only by its own second step (DEV-01).
    fn grants_trust(&self, opened: Opened) -> bool {
        matches!(opened, Opened::SecondStep { wanted: true })
    }

    /// Replaces the credential at each use (DEV-06).
    fn rotate_trust(&self, device: &mut Device, token: TokenHash, at: At<'_>) {
        if let Some(trust) = &mut device.trust {
            let replaced = std::mem::replace(&mut trust.token, token);
            keep_replaced(&mut trust.replaced, replaced);
            trust.used_at = at.now;
        }
    }

    /// The device whose replaced credential is presented with the right password: somebody holds a copy, so that its trust
    /// and sessions end (DEV-06).
    fn stolen_trust(&self, account: &Account, presented: &PresentedDevice) -> Option<DeviceId> {
        let token = presented.token?;
        let held = |device: &&Device| device.trust.as_ref().is_some_and(|trust| trust.replaced.contains(&token));
        account.devices.iter().find(held).map(|device| device.id.clone())
    }

    // Codes that are sent: how often, and to whom.

    /// Whether step one may open a challenge. At the bound a new one is refused and none is evicted (SIGN-06); a sign-in
    /// tapped twice on one device makes one message (RSND-03).
    fn may_open_challenge(&self, account: &mut Account, installation: &str, at: At<'_>) -> Result<(), RateLimited> {
        let open: Vec<&Challenge> = account
            .challenges
            .iter()
            .filter(|challenge| self.challenge_is_open(challenge, at))
            .collect();
        let of_this_device = open.iter().filter(|challenge| challenge.installation == installation);
        if let Some(last) = of_this_device.map(|challenge| challenge.sent_at).max() {
            at.not_before(last.plus_s(at.config.resend_cooldown_s), Limit::Cooldown)?;
        }
        if open.len() >= at.config.live_challenges as usize {
            let first = open.iter().map(|challenge| challenge.created_at).min().unwrap_or(at.now);
            return Err(at.limited(first.plus_s(at.config.challenge_max_s), Limit::Challenges));
        }
        self.account_may_send(account, at)
    }

    /// Whether this challenge may have another message, by whatever method (RSND-03).
    fn may_send(&self, account: &mut Account, challenge: &Challenge, at: At<'_>) -> Result<(), RateLimited> {
        at.not_before(challenge.sent_at.plus_s(at.config.resend_cooldown_s), Limit::Cooldown)?;
        if challenge.sends >= at.config.sends_per_challenge {
            return Err(at.limited(challenge.created_at.plus_s(at.config.challenge_max_s), Limit::Sends));
        }
        self.account_may_send(account, at)
    }

    /// Whether the account may have another message today, over all challenges and methods (RSND-03).
    fn account_may_send(&self, account: &mut Account, at: At<'_>) -> Result<(), RateLimited> {
        let start = at.now.minus_s(DAY_S);
        account.sends.retain(|sent_at| *sent_at > start);
        match account.sends.first() {
            Some(first) if account.sends.len() >= at.config.sends_per_account_day as usize => {
                Err(at.limited(first.plus_s(DAY_S), Limit::Sends))
            }
            _ => Ok(()),
        }
    }

    /// Counts a message.
    fn count_send(&self, account: &mut Account, challenge: &ChallengeId, at: At<'_>) {
        account.sends.push(at.now);
        if let Some(challenge) = account.challenge_mut(challenge) {
            challenge.sends += 1;
            challenge.sent_at = at.now;
        }
    }

    /// Devices that can receive a code now, each once: trusted and registered (METH-07). Never the device that asks: its
    /// registration waits in the challenge until it is verified, and one it held when it was trusted does not count.
    fn push_recipients(&self, account: &Account, challenge: Option<&Challenge>, at: At<'_>) -> Vec<Recipient> {
        let standing = |device: &&Device| device.trust.as_ref().is_some_and(|held| !self.trust_lapsed(held, at));
        let asking = challenge.and_then(|challenge| challenge.push_token.as_deref());
        let registered = account.devices.iter().filter(standing);
        let mut tokens: Vec<&str> = registered.filter_map(|device| device.push_token.as_deref()).collect();
        tokens.retain(|token| Some(*token) != asking);
        tokens.sort_unstable();
        tokens.dedup();
        tokens.into_iter().map(|token| Recipient::Push(token.to_owned())).collect()
    }

    /// Push first, whenever some device can receive it (METH-01); else email at once (METH-02, METH-05).
    fn first_method(&self, account: &Account, at: At<'_>) -> Option<Method> {
        if at.config.methods.contains(&Method::Push) && !self.push_recipients(account, None, at).is_empty() {
            return Some(Method::Push);
        }
        self.may_use(Method::Email, at).then_some(Method::Email)
    }

    /// Whether a challenge may change to this method. One that is switched off is refused, not just hidden (METH-06).
    fn may_use(&self, method: Method, at: At<'_>) -> bool {
        at.config.methods.contains(&method)
    }

    /// Who gets the code: with push the trusted devices, with email the registered address and no other (METH-03). Never
    /// both at once (METH-01).
    fn code_recipients(&self, account: &Account, challenge: &Challenge, at: At<'_>) -> Vec<Recipient> {
        match challenge.method {
            Method::Push => self.push_recipients(account, Some(challenge), at),
            Method::Email => vec![Recipient::Email(account.email.clone())],
        }
    }

    // Codes that are kept and compared.

    /// A new code takes the place of the one before, which is void from here (RSND-02, METH-04).
    fn issue_code(&self, challenge: &mut Challenge, code: &str, at: At<'_>) {
        challenge.code = Some(StoredCode::new(&challenge.id, code, at.now));
    }

    /// Whether the challenge can still be used: live, and within the hard limit that counts from its opening and that no
    /// resend moves (LIFE-02). Half-open: at the limit it is over (TIME-01).
    fn challenge_is_open(&self, challenge: &Challenge, at: At<'_>) -> bool {
        challenge.state == ChallengeState::Live && at.now < challenge.created_at.plus_s(at.config.challenge_max_s)
    }

    /// When the present code lapses: its lifetime from its own issue, and never past the challenge's limit (LIFE-01).
    fn code_expires_at(&self, challenge: &Challenge, at: At<'_>) -> Timestamp {
        let limit = challenge.created_at.plus_s(at.config.challenge_max_s);
        let own = |code: &StoredCode| code.issued_at.plus_s(at.config.code_ttl_s).min(limit);
        challenge.code.as_ref().map_or(challenge.created_at, own)
    }

    /// Whether the submitted text is the code of this challenge of this account, and fresh (BIND-01, BIND-02, CODE-04,
    /// LIFE-01). Compared in constant time (CODE-05).
    fn code_matches(&self, account: &Account, challenge: &ChallengeId, submitted: &str, at: At<'_>) -> bool {
        account.challenge(challenge).is_some_and(|challenge| {
            let right = challenge.code.as_ref().is_some_and(|code| code.is(&challenge.id, submitted));
            right && at.now < self.code_expires_at(challenge, at)
        })
    }

    /// An accepted code consumes the whole challenge (LIFE-03).
    fn redeem_code(&self, challenge: &mut Challenge) {
        challenge.code = None;
        challenge.state = ChallengeState::Verified;
    }

    // Guesses at codes. The limits bind devices without trust only, so that nobody locks the owner out (ATT-06).

    /// Until when the account takes no codes. Attempts during a lock do not move its end (ATT-07). Codes that are off stay
    /// off until the owner restores them, whatever time passes (ATT-03).
    fn codes_locked_until(&self, account: &Account, at: At<'_>) -> Option<Timestamp> {
        if account.codes.off {
            return Some(at.now.plus_s(at.config.lock_s));
        }
        account.codes.locked_until.filter(|end| at.now < *end)
    }

    /// One guess: locked and spent states are told first, then an attempt is reserved, and only then is the code compared.
    /// Comparing first would let a right code through a limit (ATT-08), or two guesses through one attempt (ATT-01).
    fn guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>, right: &dyn Fn(&Account) -> bool) -> Guess {
        if let Some(end) = self.codes_locked_until(account, at) {
            return Guess::Locked(end);
        }
        if !self.reserve_guess(account, id, at) {
            return Guess::Exhausted;
        }
        if right(account) {
            return Guess::Right;
        }
        self.wrong_code(account, id, at);
        Guess::Wrong
    }

    /// Counts the attempt before it is looked at; `false` when the challenge takes no more (ATT-01). The account's count
    /// goes over all its challenges, methods, devices and addresses (ATT-02).
    fn reserve_guess(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) -> bool {
        let Some(challenge) = account.challenge_mut(id) else {
            return false;
        };
        if challenge.attempts >= at.config.attempts_per_challenge {
            return false;
        }
        challenge.attempts += 1;
        account.codes.recent.push(at.now);
        account.codes.in_a_row += 1;
        true
    }

    /// What a wrong guess brings about: the challenge spent, the account locked, codes off. The right code stays usable
    /// below the cap (LIFE-04).
    fn wrong_code(&self, account: &mut Account, id: &ChallengeId, at: At<'_>) {
        if let Some(challenge) = account.challenge_mut(id)
            && challenge.attempts >= at.config.attempts_per_challenge
        {
            challenge.state = ChallengeState::Exhausted;
        }
        let start = at.now.minus_s(at.config.window_s);
        account.codes.recent.retain(|failed_at| *failed_at > start);
        // After a lock the window still holds its guesses, so that one more wrong code locks again: no double burst (ATT-07).
        if account.codes.recent.len() >= at.config.account_wrong_limit as usize {
            account.codes.locked_until = Some(at.now.plus_s(at.config.lock_s));
        }
        if account.codes.in_a_row >= at.config.account_consecutive_max {
            account.codes.off = true;
        }
    }

    /// A completed second step resets the count of wrong codes: nothing less does (ATT-09).
    fn second_step_completed(&self, account: &mut Account) {
        account.codes = Default::default();
    }

    // Sessions.

    /// The session that this access credential opens. A pending handle, a refresh or a trust credential opens none
    /// (SESS-01, DEV-05).
    fn session_opened_by(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Option<SessionId> {
        let session = account.sessions.iter().find(|session| session.access == *presented)?;
        (at.now < session.access_expires_at && sessions::lives(session, at)).then(|| session.id.clone())
    }

    /// What a refresh credential is worth.
    fn renewal(&self, account: &Account, presented: &TokenHash, at: At<'_>) -> Renewal {
        if let Some(session) = account.sessions.iter().find(|session| session.refresh == *presented) {
            return if sessions::lives(session, at) {
                Renewal::Renew(session.id.clone())
            } else {
                Renewal::Unknown
            };
        }
        let replaced = account.sessions.iter().find(|session| session.replaced.contains(presented));
        replaced.map_or(Renewal::Unknown, |session| Renewal::Stolen(session.id.clone()))
    }

    /// Gives a session new credentials; the old ones are dead, and the absolute limit stays where it was (SESS-05, SESS-06).
    fn renew_session(&self, session: &mut Session, access: TokenHash, refresh: TokenHash, at: At<'_>) {
        let replaced = std::mem::replace(&mut session.refresh, refresh);
        keep_replaced(&mut session.replaced, replaced);
        session.access = access;
        session.access_expires_at = at.now.plus_s(at.config.access_ttl_s);
        session.used_at = at.now;
    }

    /// Ends the session on the server (SESS-04).
    fn sign_out(&self, account: &mut Account, session: &SessionId) {
        account.end_sessions(|other| other.id == *session);
    }

    // The owner's hand: devices and the two-step setting.

    /// Removes a device of this account and everything it holds: trust, sessions, push registration, live challenges
    /// (DEV-10, DEV-11), and touches no other (DEV-09, DEV-12). Unknown ids change nothing.
    fn remove_device(&self, account: &mut Account, id: &DeviceId) {
        let Some(device) = account.device(id) else { return };
        let installation = device.installation.clone();
        account.devices.retain(|device| device.id != *id);
        account.end_sessions(|session| session.device == *id);
        account.void_challenges(|challenge| challenge.installation == installation);
    }

    /// On for every new account (TOGL-01).
    fn two_step_by_default(&self) -> bool {
        true
    }

    /// Whether the session's last proof of the password is recent enough to switch two-step verification off (TOGL-02).
    fn proof_is_fresh(&self, session: &Session, at: At<'_>) -> bool {
        session
            .proved_at
            .is_some_and(|proved_at| at.now < proved_at.plus_s(at.config.reauth_max_s))
    }

    // Revocation: what ends when the account's security changes under it.

    /// Everything that rests on the state before. `acting` is the device whose session made the change, which stays.
    fn revoke(&self, account: &mut Account, change: Change, acting: Option<&DeviceId>) {
        self.void_challenges(account, change);
        match change {
            Change::PasswordChanged => {
                // Whoever has the old password loses what it opened: other sessions and other trust (PWD-05).
                account.end_sessions(|session| Some(&session.device) != acting);
                account.end_trust(|device| Some(&device.id) != acting);
                account.resets.clear();
                self.restore_owner(account);
            }
            Change::PasswordReset => {
                // Trust stays: else a stolen mailbox could first remove the push factor and then receive the code (PWD-07).
                account.end_sessions(|_| true);
                self.restore_owner(account);
            }
            Change::TwoStepOn => self.end_untrusted_sessions(account, acting),
            Change::TwoStepOff => {}
            Change::Disabled => {
                // Nothing of it is of use to anybody any more, and nothing comes back when it is switched on again (PRIV-03).
                account.end_sessions(|_| true);
                account.end_trust(|_| true);
                account.resets.clear();
                account.pending_sign_ins.clear();
            }
        }
    }

    /// A pending challenge dies with the state it was opened under (LIFE-05).
    fn void_challenges(&self, account: &mut Account, _change: Change) {
        account.void_challenges(|_| true);
    }

    /// Sessions from the off period end, trusted devices' and the acting one's aside (TOGL-03).
    fn end_untrusted_sessions(&self, account: &mut Account, acting: Option<&DeviceId>) {
        let trusted = account.devices.iter().filter(|device| device.trust.is_some());
        let trusted: Vec<DeviceId> = trusted.map(|device| device.id.clone()).collect();
        account.end_sessions(|session| Some(&session.device) != acting && !trusted.contains(&session.device));
    }

    /// The owner has shown up: codes work again (ATT-03), and the count of wrong passwords of the old password is void.
    fn restore_owner(&self, account: &mut Account) {
        account.codes = Default::default();
        account.passwords = Default::default();
        account.trusted_passwords = Default::default();
    }
}

fn keep_replaced(kept: &mut Vec<TokenHash>, replaced: TokenHash) {
    kept.push(replaced);
    let surplus = kept.len().saturating_sub(REPLACED_KEPT);
    kept.drain(..surplus);
}
