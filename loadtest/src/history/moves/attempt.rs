//! One move being made: the machines it may lead to, or the answer that does not explain it.

use specs::machine::{
    Answer, App, ChallengeId, Guess, Key, Limits, Op, Password, PermittedBehaviour, Seconds, State, Status, step,
};

use super::{Course, Kind, Move, Node};
use crate::history::{Presented, Seen};

/// A move being made.
pub(super) struct Attempt<'a> {
    pub(super) course: &'a Course<'a>,
    pub(super) rules: &'a PermittedBehaviour,
    pub(super) node: &'a Node,
    pub(super) step: &'a Move,
}

impl Attempt<'_> {
    pub(super) fn explain(&self, to: &mut Vec<Node>) -> Result<(), Answer> {
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
        let transition = step(self.rules, limits, state, op);
        if transition.answer == wanted {
            to.push(self.node.after(transition.state));
            return Ok(());
        }
        let lenient = step(self.rules, &self.lenient(op), &self.earlier_lock(state), op);
        if lenient.answer == wanted {
            to.push(self.node.after(lenient.state));
            return Ok(());
        }
        Err(transition.answer)
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
            // A send that reached nobody starts no cool-down, and which ones did is not known then.
            cooldown: match self.course.messages_lost {
                true => 0,
                false => limits.cooldown.saturating_sub(slack),
            },
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
        let transition = step(self.rules, self.course.limits, state, &Op::Verify { challenge, guess });
        let counts = transition.answer == Answer::Refused && transition.state.challenges != state.challenges;
        counts.then(|| self.node.after(transition.state))
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
        let transition = step(self.rules, limits, &node.state, &op);
        let counted = transition.evaluated || transition.state.challenges != node.state.challenges;
        if counted {
            let locks = transition.state.accounts[0].locked_until != node.state.accounts[0].locked_until;
            to.push(node.after(transition.state));
            if locks {
                // At the edge of the window the count may be smaller.
                let lenient = step(self.rules, &self.lenient(&op), &node.state, &op);
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
        let lenient = step(self.rules, &self.lenient(&op), &self.earlier_lock(&node.state), &op);
        if lenient.evaluated {
            to.push(node.after(lenient.state));
            return Ok(());
        }
        Err(transition.answer)
    }
}
