//! One operation from one state to the next. The order of the questions is the machine's; every answer to one is a rule's.

use crate::channel::Channel;
use crate::machine::ghost;
use crate::machine::limits::{Limits, stamp};
use crate::machine::op::{Answer, App, Code, Guess, Op, Password};
use crate::machine::rules::{Admission, Rules, SignInFacts};
use crate::machine::second_step;
use crate::machine::settings;
use crate::machine::state::{AccountId, Challenge, ChallengeId, DeviceId, Key, Session, State, Status, Trust};

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Devices(Vec<DeviceId>),
    Mailbox(AccountId),
}

/// A message with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub code: Code,
    pub to: Recipient,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state afterwards.
    pub state: State,
    pub answer: Answer,
    pub message: Option<Message>,
    pub evaluated: bool,
}

/// One operation. What a right service does where `rules` is [`crate::machine::Spec`]. An operation that names what does not
/// exist is refused.
pub fn step(rules: &dyn Rules, limits: &Limits, state: &State, op: &Op) -> Transition {
    let mut machine = Machine {
        rules,
        limits,
        state: state.clone(),
        message: None,
        evaluated: false,
    };
    let answer = machine.perform(op).unwrap_or(Answer::Refused);
    let mut transition = Transition {
        state: machine.state,
        answer,
        message: machine.message,
        evaluated: machine.evaluated,
    };
    ghost::record(limits, state, op, &mut transition);
    transition
}

/// The code that a guess presents; `None` is one that was never issued.
pub(crate) fn presented(state: &State, challenge: ChallengeId, guess: Guess) -> Option<Code> {
    match guess {
        Guess::Right => state.newest_code(challenge),
        Guess::Wrong => None,
        Guess::Old => {
            let newest = state.newest_code(challenge)?;
            let number = newest.number.checked_sub(1)?;
            Some(Code { number, ..newest })
        }
        Guess::Foreign(other) => state.newest_code(other),
    }
}

/// A machine in the middle of an operation. Its methods give `None` where something that is named does not exist.
pub(crate) struct Machine<'a> {
    pub(crate) rules: &'a dyn Rules,
    pub(crate) limits: &'a Limits,
    pub(crate) state: State,
    pub(crate) message: Option<Message>,
    pub(crate) evaluated: bool,
}

impl Machine<'_> {
    fn perform(&mut self, op: &Op) -> Option<Answer> {
        match *op {
            Op::SignIn {
                account,
                device,
                password,
                app,
            } => self.sign_in(Key::new(account, device), password, app),
            Op::Verify { challenge, guess } => second_step::verify(self, challenge, guess),
            Op::Resend { challenge } => second_step::send_again(self, challenge, None),
            Op::Switch { challenge } => second_step::send_again(self, challenge, Some(Channel::Email)),
            Op::Cancel { challenge } => second_step::cancel(self, challenge),
            Op::Deny { challenge, by } => second_step::deny(self, challenge, by),
            Op::Misuse { challenge, misuse } => settings::misuse(self, challenge, misuse),
            Op::Use { account, device } => settings::use_session(self, Key::new(account, device)),
            Op::Refresh { account, device } => settings::refresh(self, Key::new(account, device)),
            Op::SignOut { account, device } => settings::sign_out(self, Key::new(account, device)),
            Op::Remove { account, by, of, device } => settings::remove(self, Key::new(account, by), Key::new(of, device)),
            Op::SwitchOff { account, by, proof } => settings::switch_off(self, Key::new(account, by), proof),
            Op::SwitchOn { account, by } => settings::switch_on(self, Key::new(account, by)),
            Op::ChangePassword { account, by, current } => settings::change_password(self, Key::new(account, by), current),
            Op::Reset { account } => settings::reset(self, account),
            Op::Tick(by) => {
                self.state.now = self.state.now.saturating_add(by);
                let now = self.state.now;
                for account in &mut self.state.accounts {
                    if !self.rules.is_locked(account, now) {
                        account.locked_until = None;
                    }
                }
                Some(Answer::Done)
            }
        }
    }

    /// The order: password, setting, version, trust, room and cool-down, create, deliver.
    fn sign_in(&mut self, key: Key, password: Password, app: App) -> Option<Answer> {
        let now = self.state.now;
        let trusted = self.state.trusted(key, self.limits);
        let account = self.state.accounts.get_mut(usize::from(key.account))?;
        if !self.rules.admits_password(password, trusted) {
            self.rules.after_wrong_password(account, now, self.limits);
            if self.rules.challenges_wrong_password() {
                self.open(key)?;
            }
            return Some(Answer::Refused);
        }
        if self.rules.password_clears_wrong_codes() {
            account.wrong.clear();
            account.consecutive = 0;
        }
        let two_step = account.two_step;
        let locked = self.rules.is_locked(account, now) && self.rules.lock_stops_sign_in(trusted);
        let any_trusted = !self.state.trusted_devices(key.account, self.limits).is_empty();
        let facts = SignInFacts {
            two_step,
            trusted,
            any_trusted,
            app,
        };
        match self.rules.admission(facts) {
            Admission::Refused => return Some(Answer::Refused),
            _ if locked => return Some(Answer::Limited),
            Admission::CodeAsked => return self.open(key),
            Admission::SignedIn => {}
        }
        if trusted {
            let used = stamp(now, &[self.limits.trust_idle]);
            self.state.trusts.get_mut(&key)?.used = used;
        } else if self.rules.trusts_without_code() {
            self.grant(key);
        }
        self.admit(key);
        Some(Answer::SignedIn)
    }

    fn open(&mut self, key: Key) -> Option<Answer> {
        let now = self.state.now;
        let live = |c: &&Challenge| c.key.account == key.account && self.rules.takes_guesses(c, now, self.limits);
        let count = u32::try_from(self.state.challenges.iter().filter(live).count()).unwrap_or(u32::MAX);
        if !self.rules.has_room(count, self.limits) {
            if !self.rules.evicts() {
                return Some(Answer::Limited);
            }
            let oldest = self.state.challenges.iter().position(|c| live(&c))?;
            self.state.challenges[oldest].status = Status::Voided;
        }
        let last_sent = self
            .state
            .challenges
            .iter()
            .filter(live)
            .filter(|c| c.key == key)
            .map(|c| c.issued_at)
            .max();
        let sent_today = self.sent_today(key.account)?;
        if !self.rules.cooled_down(last_sent, now, self.limits) || !self.rules.may_send(0, sent_today, self.limits) {
            return Some(Answer::Limited);
        }
        let trusted = self.state.trusted_devices(key.account, self.limits);
        let others = trusted.iter().any(|device| *device != key.device);
        let id = ChallengeId::try_from(self.state.challenges.len()).ok()?;
        self.state.challenges.push(Challenge {
            key,
            status: Status::Live,
            method: self.rules.first_method(others && self.limits.push),
            former_method: None,
            newest: 0,
            issued_at: now,
            created_at: now,
            attempts: 0,
            sends: 0,
        });
        self.deliver(id)?;
        if self.rules.trusts_on_challenge() {
            self.grant(key);
        }
        Some(Answer::Challenged)
    }

    /// Messages the account caused today.
    pub(crate) fn sent_today(&mut self, account: AccountId) -> Option<u32> {
        let now = self.state.now;
        let account = self.state.accounts.get_mut(usize::from(account))?;
        if let Some(day) = self.limits.day {
            account.sends.retain(|at| now < at.saturating_add(day));
        }
        u32::try_from(account.sends.len()).ok()
    }

    /// Sends the newest code of a challenge.
    pub(crate) fn deliver(&mut self, id: ChallengeId) -> Option<()> {
        let now = self.state.now;
        let code = self.state.newest_code(id)?;
        let challenge = self.state.challenges.get_mut(usize::from(id))?;
        challenge.sends += 1;
        let Key { account, device } = challenge.key;
        let method = challenge.method;
        let to = match method {
            Channel::Email => Recipient::Mailbox(account),
            Channel::Push => {
                let trusted = self.state.trusted_devices(account, self.limits);
                Recipient::Devices(self.rules.recipients(trusted, device))
            }
        };
        let sent_at = stamp(now, &[self.limits.day]);
        // Where no cap can be reached, nothing is counted.
        if self.limits.account_sends < u32::MAX {
            self.state.accounts.get_mut(usize::from(account))?.sends.push(sent_at);
        }
        self.message = Some(Message { code, to });
        Some(())
    }

    /// Makes a device trusted.
    pub(crate) fn grant(&mut self, key: Key) {
        let limits = self.limits;
        let trust = Trust {
            since: stamp(self.state.now, &[limits.trust_absolute]),
            used: stamp(self.state.now, &[limits.trust_idle]),
        };
        self.state.trusts.insert(key, trust);
    }

    /// Opens a session.
    pub(crate) fn admit(&mut self, key: Key) {
        let limits = self.limits;
        let session = Session {
            since: stamp(self.state.now, &[limits.session_absolute]),
            used: stamp(self.state.now, &[limits.session_idle]),
        };
        self.state.sessions.insert(key, session);
    }
}
