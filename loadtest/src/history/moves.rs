//! A history as moves of the machine: what is left of it when everything is dropped that no right service is changed by, and
//! how one move changes the machine or is not explained by it.
//!
//! Dropped are refusals (they change nothing that safety hangs on, but for guesses) and operations without an answer that could only make a
//! machine stricter: a first step gives nobody a credential without its answer. A guess without an answer may have been counted,
//! and is not taken for a lucky one.

mod attempt;

use std::collections::BTreeMap;

use specs::machine::{Answer, DeviceId, Key, Limits, PermittedBehaviour, Seconds, State, Trust};
use targets::Refusal;

use attempt::Attempt;

use super::direct::{is_accepted, password_may_be_right};
use super::replay::{DeclaredLimits, Prepared};
use super::{Call, CodeUsed, Operation, Response};

const SECOND_US: u64 = 1_000_000;
/// A machine's numbers end at 255; an account that comes near is not judged.
const MAX_NUMBER: usize = 250;

/// One move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// Its place in the history.
    pub(super) place: usize,
    pub(super) invoked_us: u64,
    /// When it was over for certain; `u64::MAX` where it may come about at any time.
    pub(super) returned_us: u64,
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
        code: CodeUsed,
        newer_seen: bool,
    },
    /// A code that may have been accepted, or counted as wrong, or neither.
    Uncertain {
        challenge: u32,
        code: CodeUsed,
        newer_seen: bool,
    },
    /// A wrong code that was judged.
    Judged {
        challenge: u32,
        code: CodeUsed,
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
pub(super) struct Counterexample {
    /// The place of its operation in the history.
    pub(super) place: usize,
    pub(super) before: Node,
    pub(super) expected: Answer,
}

/// The moves of one account.
pub(super) struct ReducedHistory<'a> {
    pub(super) history: &'a [Operation],
    pub(super) limits: &'a Limits,
    pub(super) moves: Vec<Move>,
    start: State,
    messages_lost: bool,
}

impl<'a> ReducedHistory<'a> {
    /// `None` where the account outgrows the machine.
    pub(super) fn new(history: &'a [Operation], declared: &'a DeclaredLimits, prepared: &Prepared) -> Option<Self> {
        let limits = &declared.limits;
        let mut devices = Devices::default();
        let mut moves = Vec::with_capacity(history.len());
        let mut longest_us = 0;
        if outgrows(history, limits) {
            return None;
        }
        let opened = history
            .iter()
            .filter(|operation| matches!(operation.response, Response::Challenged(_)));
        let several = opened.count() > 1;
        for (place, operation) in history.iter().enumerate() {
            let took_us = operation.returned_us.saturating_sub(operation.invoked_us);
            let newer = prepared.messages_lost && newer_seen(history, operation);
            if let Some((kind, optional, endless)) = kind(history, place, limits, newer, several, &mut devices)? {
                // A removal holds everywhere within the bound that is declared for it.
                let is_removal = matches!(kind, Kind::Remove { .. });
                let bound_us = if is_removal { declared.revoke_bound_us } else { 0 };
                let returned_us = operation.returned_us.max(operation.invoked_us).saturating_add(bound_us);
                moves.push(Move {
                    place,
                    invoked_us: operation.invoked_us,
                    returned_us: if endless { u64::MAX } else { returned_us },
                    optional,
                    device: devices.number(operation.device)?,
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
        start.ghost.budgets.clear();
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
        rules: &PermittedBehaviour,
        node: &mut Node,
        step: &Move,
        at_us: u64,
        to: &mut Vec<Node>,
    ) -> Result<(), Answer> {
        let clock_us = node.clock_us.max(step.invoked_us);
        let now = clock_us.max(at_us) / SECOND_US;
        node.state.now = now;
        for account in &mut node.state.accounts {
            account.locked_until = account.locked_until.filter(|until| now < *until);
        }
        let attempt = Attempt {
            reduced: self,
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
        if next > MAX_NUMBER {
            return None;
        }
        Some(*self.0.entry(device).or_insert(u8::try_from(next).ok()?))
    }
}

/// The move of an operation, whether it may be left out, and whether it may come about after its end. The outer `None` is an
/// account that outgrows the machine; the inner one an operation that is no move.
#[allow(clippy::type_complexity, reason = "told above, and used once")]
fn kind(
    history: &[Operation],
    place: usize,
    limits: &Limits,
    newer_seen: bool,
    several: bool,
    devices: &mut Devices,
) -> Option<Option<(Kind, bool, bool)>> {
    let operation = &history[place];
    let accepted = is_accepted(operation.response);
    let unknown = operation.response == Response::Unknown;
    let enters = accepted || unknown;
    let idles = accepted || (unknown && limits.session_idle.is_some());
    let kind = match operation.call {
        Call::SignIn { password, app } if accepted => Kind::SignIn {
            password: password || password_may_be_right(history, operation),
            app,
            opened: match operation.response {
                Response::Challenged(opened) => Some(opened),
                _ => None,
            },
        },
        Call::Verify { challenge, code } if accepted => Kind::Accepted {
            challenge,
            code,
            newer_seen,
        },
        Call::Verify { challenge, code } if operation.response == Response::Refused(Refusal::Code) => {
            Kind::Judged { challenge, code }
        }
        // A guess that was counted can help: spent challenges make room for others.
        Call::Verify { challenge, code } if accepts_late(operation) || (several && operation.response != Response::Limited) => {
            Kind::Uncertain {
                challenge,
                code,
                newer_seen,
            }
        }
        // A message that could not be handed over is an error, and its code may be the newest all the same.
        Call::Resend { challenge } if enters || operation.response == Response::Refused(Refusal::Unspecified) => {
            Kind::Resend { challenge }
        }
        Call::Switch { challenge } if enters || operation.response == Response::Refused(Refusal::Unspecified) => {
            Kind::Switch { challenge }
        }
        Call::Use if idles => Kind::Use,
        Call::Refresh if idles => Kind::Refresh,
        Call::SignOut if accepted => Kind::SignOut,
        Call::Remove { device } if enters => Kind::Remove {
            device: devices.number(device)?,
        },
        Call::ChangePassword if enters => Kind::ChangePassword,
        _ => return Some(None),
    };
    let judged = matches!(kind, Kind::Judged { .. });
    Some(Some((kind, !accepted && !judged, unknown)))
}

/// Whether a code may have been accepted although there was no answer.
fn accepts_late(operation: &Operation) -> bool {
    let is_guess = matches!(
        operation.call,
        Call::Verify {
            code: CodeUsed::Guess,
            ..
        }
    );
    operation.response == Response::Unknown && !is_guess
}

/// Whether a newer code of the challenge had reached the sink when this one was presented.
fn newer_seen(history: &[Operation], operation: &Operation) -> bool {
    let delivered = |call: Call| match call {
        Call::Verify {
            code: CodeUsed::Delivered { challenge, number },
            ..
        } => Some((challenge, number)),
        _ => None,
    };
    let Some((challenge, number)) = delivered(operation.call) else {
        return false;
    };
    history.iter().any(|other| {
        let is_newer = |(of, newer)| of == challenge && newer > number;
        delivered(other.call).is_some_and(is_newer) && other.invoked_us < operation.returned_us
    })
}

/// Whether a right service may come to more challenges, or codes of one, than the machine can number. A wrong one is told
/// long before.
fn outgrows(history: &[Operation], limits: &Limits) -> bool {
    const DAY_US: u64 = 24 * 3600 * SECOND_US;
    let opened = history
        .iter()
        .filter(|operation| matches!(operation.response, Response::Challenged(_)));
    let sent_again = history
        .iter()
        .filter(|operation| matches!(operation.call, Call::Resend { .. } | Call::Switch { .. }));
    let days = history.last().is_some_and(|last| last.returned_us >= DAY_US);
    let most = |limit: u32| limit as usize > MAX_NUMBER;
    (opened.count() > MAX_NUMBER && (days || most(limits.account_sends)))
        || (sent_again.count() > MAX_NUMBER && most(limits.sends))
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
