//! A history as moves of the machine: what is left of it when everything is dropped that no right service is changed by, and
//! how one move changes the machine or is not explained by it.
//!
//! Dropped are refusals (they change nothing that safety hangs on, but for guesses) and operations without an answer that could only make a
//! machine stricter: a first step gives nobody a credential without its answer. A guess without an answer may have been counted,
//! and is not taken for a lucky one.

use std::collections::BTreeMap;

use specs::machine::{
    Answer, App, ChallengeId, DeviceId, Guess, Key, Limits, Op, Password, Reading, Seconds, State, Status, Trust, take,
};
use targets::Refusal;

use super::direct::{is_accepted, password_may_be_right};
use super::replay::{Prepared, Terms};
use super::{Act, Happened, Presented, Seen};

const SECOND_US: u64 = 1_000_000;
/// A machine's numbers end at 255; an account that comes near is not judged.
const MOST: usize = 250;

/// One move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// Its place in the history.
    pub(super) place: usize,
    pub(super) started_us: u64,
    /// When it was over for certain; `u64::MAX` where it may come about at any time.
    pub(super) done_us: u64,
    /// Whether it may as well never have been done.
    pub(super) optional: bool,
    device: DeviceId,
    kind: Kind,
    /// How far limits of time are moved in the service's favour.
    slack: Seconds,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    SignIn {
        password: bool,
        app: bool,
        opened: Option<u32>,
    },
    Accepted {
        challenge: u32,
        code: Presented,
        newer_seen: bool,
    },
    /// A code that may have been accepted, or counted as wrong, or neither.
    Uncertain {
        challenge: u32,
        code: Presented,
        newer_seen: bool,
    },
    /// A wrong code that was judged.
    Judged {
        challenge: u32,
        code: Presented,
    },
    Resend {
        challenge: u32,
    },
    Switch {
        challenge: u32,
    },
    Use,
    Refresh,
    SignOut,
    Remove {
        device: DeviceId,
    },
    ChangePassword,
}

/// A machine in the middle of a history.
#[derive(Clone, Debug, Hash)]
pub(super) struct Node {
    pub(super) state: State,
    /// The history's number of each of the machine's challenges.
    opened: Vec<u32>,
    /// The latest start among the moves so far.
    pub(super) clock_us: u64,
}

/// Why a move is not explained.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// The place of its operation in the history.
    pub(super) place: usize,
    /// The machine before it.
    pub(super) before: Node,
    /// What the machine answers.
    pub(super) expected: Answer,
}

/// The moves of one account.
pub(super) struct Course<'a> {
    pub(super) history: &'a [Happened],
    pub(super) limits: &'a Limits,
    /// By their start.
    pub(super) moves: Vec<Move>,
    start: State,
    messages_lost: bool,
}

impl<'a> Course<'a> {
    /// `None` where the account outgrows the machine.
    pub(super) fn new(history: &'a [Happened], terms: &'a Terms, prepared: &Prepared) -> Option<Self> {
        let limits = &terms.limits;
        let mut devices = Devices::default();
        let mut moves = Vec::with_capacity(history.len());
        let mut longest_us = 0;
        if outgrows(history, limits) {
            return None;
        }
        let opened = history.iter().filter(|happened| matches!(happened.seen, Seen::Challenged(_)));
        let several = opened.count() > 1;
        for (place, happened) in history.iter().enumerate() {
            let took_us = happened.done_us.saturating_sub(happened.started_us);
            let newer = prepared.messages_lost && newer_seen(history, happened);
            if let Some((kind, optional, endless)) = kind(history, place, limits, newer, several, &mut devices)? {
                // A removal holds everywhere within the bound that is declared for it.
                let is_removal = matches!(kind, Kind::Remove { .. });
                let bound_us = if is_removal { terms.revoke_bound_us } else { 0 };
                let done_us = happened.done_us.max(happened.started_us).saturating_add(bound_us);
                moves.push(Move {
                    place,
                    started_us: happened.started_us,
                    done_us: if endless { u64::MAX } else { done_us },
                    optional,
                    device: devices.number(happened.device)?,
                    kind,
                    slack: (took_us + longest_us).div_ceil(SECOND_US) + 2,
                });
                if !endless {
                    longest_us = longest_us.max(took_us);
                }
            }
        }
        let mut start = State::new(1);
        // Nothing reads the machine's own memory of what happened: it would only be copied with every step.
        start.history.budgets.clear();
        start.accounts[0].two_step = prepared.two_step;
        if prepared.trusted_device {
            let key = Key::new(0, devices.number(0)?);
            start.trusts.insert(key, Trust { since: 0, used: 0 });
            start.sessions.insert(key, specs::machine::Session { since: 0, used: 0 });
        }
        Some(Self {
            history,
            limits,
            moves,
            start,
            messages_lost: prepared.messages_lost,
        })
    }

    /// The machine before everything.
    pub(super) fn start(&self) -> Node {
        Node {
            state: self.start.clone(),
            opened: Vec::new(),
            clock_us: 0,
        }
    }

    /// Makes a move not before `at_us`, and adds the machines that it may lead to, the likeliest first. Where there are none,
    /// the answer of the machine that does not explain it.
    pub(super) fn make(
        &self,
        rules: &Reading,
        node: &mut Node,
        step: &Move,
        at_us: u64,
        to: &mut Vec<Node>,
    ) -> Result<(), Answer> {
        let clock_us = node.clock_us.max(step.started_us);
        let now = clock_us.max(at_us) / SECOND_US;
        node.state.now = now;
        for account in &mut node.state.accounts {
            account.locked_until = account.locked_until.filter(|until| now < *until);
        }
        let attempt = Attempt {
            course: self,
            rules,
            node,
            step,
        };
        let before = to.len();
        let answered = attempt.explain(to);
        for next in &mut to[before..] {
            next.clock_us = clock_us;
        }
        answered
    }
}

/// Dense numbers for the devices of an account.
#[derive(Default)]
struct Devices(BTreeMap<u32, DeviceId>);

impl Devices {
    fn number(&mut self, device: u32) -> Option<DeviceId> {
        let next = self.0.len();
        if next > MOST {
            return None;
        }
        Some(*self.0.entry(device).or_insert(u8::try_from(next).ok()?))
    }
}

/// The move of an operation, whether it may be left out, and whether it may come about after its end. The outer `None` is an
/// account that outgrows the machine; the inner one an operation that is no move.
#[allow(clippy::type_complexity, reason = "told above, and used once")]
fn kind(
    history: &[Happened],
    place: usize,
    limits: &Limits,
    newer_seen: bool,
    several: bool,
    devices: &mut Devices,
) -> Option<Option<(Kind, bool, bool)>> {
    let happened = &history[place];
    let accepted = is_accepted(happened.seen);
    let unknown = happened.seen == Seen::Unknown;
    let enters = accepted || unknown;
    let idles = accepted || (unknown && limits.session_idle.is_some());
    let kind = match happened.act {
        Act::SignIn { password, app } if accepted => Kind::SignIn {
            password: password || password_may_be_right(history, happened),
            app,
            opened: match happened.seen {
                Seen::Challenged(opened) => Some(opened),
                _ => None,
            },
        },
        Act::Verify { challenge, code } if accepted => Kind::Accepted {
            challenge,
            code,
            newer_seen,
        },
        Act::Verify { challenge, code } if happened.seen == Seen::Refused(Refusal::Code) => Kind::Judged { challenge, code },
        // A guess that was counted can help: spent challenges make room for others.
        Act::Verify { challenge, code } if accepts_late(happened) || (several && happened.seen != Seen::Limited) => {
            Kind::Uncertain {
                challenge,
                code,
                newer_seen,
            }
        }
        // A message that could not be handed over is an error, and its code may be the newest all the same.
        Act::Resend { challenge } if enters || happened.seen == Seen::Refused(Refusal::Unspecified) => Kind::Resend { challenge },
        Act::Switch { challenge } if enters || happened.seen == Seen::Refused(Refusal::Unspecified) => Kind::Switch { challenge },
        Act::Use if idles => Kind::Use,
        Act::Refresh if idles => Kind::Refresh,
        Act::SignOut if accepted => Kind::SignOut,
        Act::Remove { device } if enters => Kind::Remove {
            device: devices.number(device)?,
        },
        Act::ChangePassword if enters => Kind::ChangePassword,
        _ => return Some(None),
    };
    let judged = matches!(kind, Kind::Judged { .. });
    Some(Some((kind, !accepted && !judged, unknown)))
}

/// Whether a code may have been accepted although there was no answer.
fn accepts_late(happened: &Happened) -> bool {
    let is_guess = matches!(
        happened.act,
        Act::Verify {
            code: Presented::Guess,
            ..
        }
    );
    happened.seen == Seen::Unknown && !is_guess
}

/// Whether a newer code of the challenge had reached the sink when this one was presented.
fn newer_seen(history: &[Happened], happened: &Happened) -> bool {
    let delivered = |act: Act| match act {
        Act::Verify {
            code: Presented::Delivered { challenge, number },
            ..
        } => Some((challenge, number)),
        _ => None,
    };
    let Some((challenge, number)) = delivered(happened.act) else {
        return false;
    };
    history.iter().any(|other| {
        let is_newer = |(of, newer)| of == challenge && newer > number;
        delivered(other.act).is_some_and(is_newer) && other.started_us < happened.done_us
    })
}

/// Whether a right service may come to more challenges, or codes of one, than the machine can number. A wrong one is told
/// long before.
fn outgrows(history: &[Happened], limits: &Limits) -> bool {
    const DAY_US: u64 = 24 * 3600 * SECOND_US;
    let opened = history.iter().filter(|happened| matches!(happened.seen, Seen::Challenged(_)));
    let sent_again = history
        .iter()
        .filter(|happened| matches!(happened.act, Act::Resend { .. } | Act::Switch { .. }));
    let days = history.last().is_some_and(|last| last.done_us >= DAY_US);
    let most = |limit: u32| limit as usize > MOST;
    (opened.count() > MOST && (days || most(limits.account_sends))) || (sent_again.count() > MOST && most(limits.sends))
}

/// A move being made.
struct Attempt<'a> {
    course: &'a Course<'a>,
    rules: &'a Reading,
    node: &'a Node,
    step: &'a Move,
}

impl Attempt<'_> {
    fn explain(&self, to: &mut Vec<Node>) -> Result<(), Answer> {
        let key = Key::new(0, self.step.device);
        let (account, device) = (key.account, key.device);
        match self.step.kind {
            Kind::SignIn { password, app, opened } => self.sign_in(key, password, app, opened, to),
            Kind::Accepted {
                challenge,
                code,
                newer_seen,
            } => {
                let Some(id) = self.challenge(challenge) else {
                    return Err(Answer::Refused);
                };
                if !self.is_newest(id, challenge, code, newer_seen) {
                    return Err(Answer::Refused);
                }
                let guess = Guess::Right;
                self.granted(&Op::Verify { challenge: id, guess }, to)
            }
            Kind::Uncertain {
                challenge,
                code,
                newer_seen,
            } => self.uncertain(challenge, code, newer_seen, to),
            Kind::Judged { challenge, code } => self.judged(challenge, code, to),
            Kind::Resend { challenge } => match self.challenge(challenge) {
                Some(challenge) => self.granted(&Op::Resend { challenge }, to),
                None => Err(Answer::Refused),
            },
            Kind::Switch { challenge } => match self.challenge(challenge) {
                Some(challenge) => self.granted(&Op::Switch { challenge }, to),
                None => Err(Answer::Refused),
            },
            Kind::Use => self.granted(&Op::Use { account, device }, to),
            Kind::Refresh => self.granted(&Op::Refresh { account, device }, to),
            Kind::SignOut => {
                // Ending what is over, again, is no harm.
                if self.granted(&Op::SignOut { account, device }, to).is_err() {
                    to.push(self.node.clone());
                }
                Ok(())
            }
            Kind::Remove { device } => {
                let (by, of) = (key.device, account);
                self.granted(&Op::Remove { account, by, of, device }, to)
            }
            Kind::ChangePassword => {
                let (by, current) = (device, true);
                self.granted(&Op::ChangePassword { account, by, current }, to)
            }
        }
    }

    fn challenge(&self, number: u32) -> Option<ChallengeId> {
        let place = self.node.opened.iter().position(|opened| *opened == number)?;
        ChallengeId::try_from(place).ok()
    }

    /// Whether what was presented is the newest code. Several messages may carry one code (several devices, a provider that
    /// was asked again): a number above the newest is the newest.
    fn is_newest(&self, id: ChallengeId, challenge: u32, code: Presented, newer_seen: bool) -> bool {
        let Presented::Delivered { challenge: of, number } = code else {
            return false;
        };
        let newest = self
            .node
            .state
            .challenge(id)
            .map_or(0, |challenge| u32::from(challenge.newest));
        of == challenge && (number >= newest || (self.course.messages_lost && !newer_seen))
    }

    fn sign_in(&self, key: Key, password: bool, app: bool, opened: Option<u32>, to: &mut Vec<Node>) -> Result<(), Answer> {
        let op = Op::SignIn {
            account: key.account,
            device: key.device,
            password: if password { Password::Right } else { Password::Wrong },
            app: if app { App::Current } else { App::Old },
        };
        let Some(opened) = opened else {
            return self.granted_as(Answer::SignedIn, &self.node.state, self.course.limits, &op, to);
        };
        // A service may ask for a code where the machine does not: it is stricter. The machine asks too, then.
        let mut stricter = self.node.state.clone();
        stricter.accounts[0].two_step = true;
        stricter.trusts.remove(&key);
        let before = to.len();
        let answered = self.granted_as(Answer::Challenged, &stricter, self.course.limits, &op, to);
        for next in &mut to[before..] {
            next.opened.push(opened);
            next.state.accounts[0].two_step = self.node.state.accounts[0].two_step;
            if let Some(trust) = self.node.state.trusts.get(&key) {
                next.state.trusts.insert(key, trust.clone());
            }
        }
        answered
    }

    fn granted(&self, op: &Op, to: &mut Vec<Node>) -> Result<(), Answer> {
        let wanted = match op {
            Op::Verify { .. } | Op::Refresh { .. } => Answer::SignedIn,
            _ => Answer::Done,
        };
        self.granted_as(wanted, &self.node.state, self.course.limits, op, to)
    }

    /// The machine grants it, by its clock or with the benefit of the doubt.
    fn granted_as(&self, wanted: Answer, state: &State, limits: &Limits, op: &Op, to: &mut Vec<Node>) -> Result<(), Answer> {
        let taken = take(self.rules, limits, state, op);
        if taken.answer == wanted {
            to.push(self.node.after(taken.state));
            return Ok(());
        }
        let lenient = take(self.rules, &self.lenient(op), &self.earlier_lock(state), op);
        if lenient.answer == wanted {
            to.push(self.node.after(lenient.state));
            return Ok(());
        }
        Err(taken.answer)
    }

    /// Every limit of time in the service's favour. A first step is more likely granted the sooner earlier challenges end;
    /// for everything else a challenge's life is the longer the better.
    fn lenient(&self, op: &Op) -> Limits {
        let (limits, slack) = (self.course.limits, self.step.slack);
        let longer = |limit: Option<Seconds>| limit.map(|limit| limit.saturating_add(slack));
        let shorter = |limit: Option<Seconds>| limit.map(|limit| limit.saturating_sub(slack));
        Limits {
            code_ttl: limits.code_ttl.saturating_add(slack),
            challenge_max: match op {
                Op::SignIn { .. } => limits.challenge_max.saturating_sub(slack),
                _ => limits.challenge_max.saturating_add(slack),
            },
            window: shorter(limits.window),
            cooldown: limits.cooldown.saturating_sub(slack),
            day: shorter(limits.day),
            trust_absolute: longer(limits.trust_absolute),
            trust_idle: longer(limits.trust_idle),
            session_absolute: longer(limits.session_absolute),
            session_idle: longer(limits.session_idle),
            ..limits.clone()
        }
    }

    fn earlier_lock(&self, state: &State) -> State {
        let mut state = state.clone();
        for account in &mut state.accounts {
            let until = account.locked_until.map(|until| until.saturating_sub(self.step.slack));
            account.locked_until = until.filter(|until| state.now < *until);
        }
        state
    }

    fn uncertain(&self, challenge: u32, code: Presented, newer_seen: bool, to: &mut Vec<Node>) -> Result<(), Answer> {
        let Some(id) = self.challenge(challenge) else {
            return Err(Answer::Refused);
        };
        let unanswered = self.course.history[self.step.place].seen == Seen::Unknown;
        let before = to.len();
        let guess = if self.is_newest(id, challenge, code, newer_seen) {
            Guess::Right
        } else {
            Guess::Wrong
        };
        if guess == Guess::Right && unanswered {
            // Where the machine does not accept it, it may have been counted.
            let _ = self.granted(&Op::Verify { challenge: id, guess }, to);
        }
        to.extend(self.counted(id, guess));
        if to.len() == before { Err(Answer::Refused) } else { Ok(()) }
    }

    /// The machine after a guess that it counts, and does not accept.
    fn counted(&self, challenge: ChallengeId, guess: Guess) -> Option<Node> {
        let state = &self.node.state;
        let taken = take(self.rules, self.course.limits, state, &Op::Verify { challenge, guess });
        let counts = taken.answer == Answer::Refused && taken.state.challenges != state.challenges;
        counts.then(|| self.node.after(taken.state))
    }

    /// A guess that was judged: it counts, and one has to be left. Of a challenge that is over for another reason than its
    /// guesses, or of a code that lapsed, the same words say nothing.
    fn judged(&self, challenge: u32, code: Presented, to: &mut Vec<Node>) -> Result<(), Answer> {
        let node = self.node;
        let Some(id) = self.challenge(challenge) else {
            to.push(node.clone());
            return Ok(());
        };
        if self.is_newest(id, challenge, code, false) {
            // The right code, refused: availability, or it had lapsed.
            to.extend(self.counted(id, Guess::Right));
            to.push(node.clone());
            return Ok(());
        }
        let Some(known) = node.state.challenge(id) else {
            return Err(Answer::Refused);
        };
        let (now, slack) = (node.state.now, self.step.slack);
        let limits = self.course.limits;
        let fresh_until = known.issued_at.saturating_add(limits.code_ttl);
        let ends = known.created_at.saturating_add(limits.challenge_max);
        let surely_alive = now.saturating_add(slack) < fresh_until.min(ends);
        let op = Op::Verify {
            challenge: id,
            guess: Guess::Wrong,
        };
        let taken = take(self.rules, limits, &node.state, &op);
        let counted = taken.evaluated || taken.state.challenges != node.state.challenges;
        if counted {
            let locks = taken.state.accounts[0].locked_until != node.state.accounts[0].locked_until;
            to.push(node.after(taken.state));
            if locks {
                // At the edge of the window the count may be smaller.
                let lenient = take(self.rules, &self.lenient(&op), &node.state, &op);
                to.push(node.after(lenient.state));
            }
            if !surely_alive {
                to.push(node.clone());
            }
            return Ok(());
        }
        let over_otherwise = matches!(known.status, Status::Verified | Status::Voided);
        if over_otherwise || !surely_alive {
            to.push(node.clone());
            return Ok(());
        }
        let lenient = take(self.rules, &self.lenient(&op), &self.earlier_lock(&node.state), &op);
        if lenient.evaluated {
            to.push(node.after(lenient.state));
            return Ok(());
        }
        Err(taken.answer)
    }
}

impl Node {
    fn after(&self, state: State) -> Self {
        Self {
            state,
            opened: self.opened.clone(),
            clock_us: self.clock_us,
        }
    }

    /// The machine's challenge of this number.
    pub(super) fn challenge(&self, number: u32) -> Option<&specs::machine::Challenge> {
        let place = self.opened.iter().position(|opened| *opened == number)?;
        self.state.challenges.get(place)
    }
}
