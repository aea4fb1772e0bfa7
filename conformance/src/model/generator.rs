//! Which steps are drawn. The reference state follows the right machine, so that the steps make sense when they are drawn: about
//! half of the codes that are shown can be accepted, and the others are the ones an attacker would try.

use proptest::strategy::{BoxedStrategy, Just, Strategy, Union};
use proptest_state_machine::Sequential;
use specs::machine::{
    App, Challenge, Channel, Guess, Key, Limits, Misuse, Op, Password, Seconds, Spec, State, Status, step as machine_step,
};
use targets::OperationKind;

use crate::model::step::{DEVICES, Step};
use crate::model::sut::SutCapabilities;

/// The right machine, and what a target counts that the machine does not.
#[derive(Clone, Debug)]
pub struct ReferenceState {
    state: State,
    /// Wrong passwords typed. Their own limit is for the checks of attempts: a trace stays below it.
    wrong_passwords: u32,
}

impl ReferenceState {
    fn init() -> Self {
        Self {
            state: State::new(2),
            wrong_passwords: 0,
        }
    }

    fn apply(mut self, step: &Step, limits: &Limits) -> Self {
        self.wrong_passwords += u32::from(types_wrong_password(step));
        for op in step.operations(&self.state) {
            self.state = machine_step(&Spec, limits, &self.state, &op).state;
        }
        self
    }

    fn preconditions(&self, step: &Step, limits: &Limits) -> bool {
        let room = !types_wrong_password(step) || self.wrong_passwords + 2 < limits.account_wrong;
        let former_exists = match step.op {
            Op::SignIn {
                account,
                password: Password::Former,
                ..
            } => self.state.account(account).is_some_and(|account| account.epoch > 0),
            _ => true,
        };
        room && former_exists && !step.operations(&self.state).is_empty()
    }

    /// The challenge so far back.
    fn challenge(&self, back: u8) -> Option<&Challenge> {
        self.state.challenges.iter().rev().nth(usize::from(back))
    }
}

fn types_wrong_password(step: &Step) -> bool {
    match step.op {
        Op::SignIn { password, .. } => password != Password::Right,
        Op::ChangePassword { current, .. } => !current,
        _ => false,
    }
}

pub type Traces = Sequential<ReferenceState, Step, Just<ReferenceState>, BoxedStrategy<Step>>;

/// Traces of up to so many steps, one at least.
pub fn traces(capabilities: &SutCapabilities, max_steps: usize) -> Traces {
    let (for_steps, limits) = (capabilities.clone(), capabilities.limits.clone());
    let for_next = limits.clone();
    Sequential::new(
        (1..=max_steps.max(1)).into(),
        || Just(ReferenceState::init()),
        move |reference: &ReferenceState, step: &Step| reference.preconditions(step, &limits),
        move |reference: &ReferenceState| transitions(reference, &for_steps),
        move |reference: ReferenceState, step: &Step| reference.apply(step, &for_next),
    )
}

/// A step from here. A step is not made simpler by turning it into another one: shrinking leaves steps out.
fn transitions(reference: &ReferenceState, capabilities: &SutCapabilities) -> BoxedStrategy<Step> {
    let mut steps = Weighted {
        capabilities,
        steps: Vec::new(),
    };
    for key in DEVICES {
        steps.of_a_device(&reference.state, key);
    }
    let latest = u8::try_from(reference.state.challenges.len().min(3)).unwrap_or(0);
    for back in 0..latest {
        steps.of_a_challenge(reference, back, latest);
    }
    if capabilities.controlled_clock {
        steps.of_time();
    }
    steps.offered(OperationKind::CompleteReset, 1, Op::Reset { account: 0 });
    let mut steps = steps.steps;
    steps.retain(|(_, step)| reference.preconditions(step, &capabilities.limits));
    let steps = steps.into_iter().map(|(weight, step)| (weight, Just(step)));
    Union::new_weighted(steps.collect()).no_shrink().boxed()
}

/// Steps to draw from, each with its weight.
struct Weighted<'a> {
    capabilities: &'a SutCapabilities,
    steps: Vec<(u32, Step)>,
}

impl Weighted<'_> {
    fn add(&mut self, weight: u32, step: impl Into<Step>) {
        self.steps.push((weight, step.into()));
    }

    /// Adds the operation where the target offers this kind.
    fn offered(&mut self, kind: OperationKind, weight: u32, op: Op) {
        if self.capabilities.offers(kind) {
            self.add(weight, op);
        }
    }

    /// Just before, at and just after what ends with time.
    fn of_time(&mut self) {
        let limits = &self.capabilities.limits;
        let ttl = limits.code_ttl;
        let moments: [(u32, Seconds); 9] = [
            (5, limits.cooldown),
            (1, limits.cooldown.saturating_sub(1)),
            (1, 1),
            (1, ttl.saturating_sub(1)),
            (2, ttl),
            (1, ttl + 1),
            (1, limits.challenge_max),
            (1, limits.lock.saturating_sub(1)),
            (2, limits.lock),
        ];
        for (weight, seconds) in moments.into_iter().filter(|(_, seconds)| *seconds > 0) {
            self.add(weight, Op::Tick(seconds));
        }
    }

    fn of_a_device(&mut self, state: &State, key: Key) {
        let Key { account, device } = key;
        let signed_in = state.signed_in(key, &self.capabilities.limits);
        let held = state.account(account);
        let locked = held.is_some_and(|account| account.locked_until.is_some());
        let sign_in = |password, app| Op::SignIn {
            account,
            device,
            password,
            app,
        };
        self.add(
            if signed_in && !locked { 2 } else { 6 },
            sign_in(Password::Right, App::Current),
        );
        self.add(1, sign_in(Password::Wrong, App::Current));
        self.add(1, sign_in(Password::Former, App::Current));
        self.add(1, sign_in(Password::Right, App::Old));
        let completed = |c: &Challenge| c.key == key && c.status == Status::Verified;
        if signed_in || state.challenges.iter().any(completed) {
            self.offered(OperationKind::WhoAmI, 3, Op::Use { account, device });
            self.offered(OperationKind::Refresh, 2, Op::Refresh { account, device });
        }
        if !signed_in {
            return;
        }
        self.offered(OperationKind::SignOut, 2, Op::SignOut { account, device });
        let by = device;
        for Key { account: of, device } in DEVICES {
            self.offered(OperationKind::RemoveDevice, 1, Op::Remove { account, by, of, device });
        }
        if held.is_some_and(|account| account.two_step) {
            for proof in [true, false] {
                self.offered(OperationKind::SetTwoStep, 1, Op::SwitchOff { account, by, proof });
            }
        } else {
            self.offered(OperationKind::SetTwoStep, 2, Op::SwitchOn { account, by });
        }
        for current in [true, false] {
            self.offered(OperationKind::ChangePassword, 1, Op::ChangePassword { account, by, current });
        }
    }

    fn of_a_challenge(&mut self, reference: &ReferenceState, back: u8, latest: u8) {
        let Some(opened) = reference.challenge(back) else { return };
        let limits = &self.capabilities.limits;
        let challenge = back;
        let live = opened.status == Status::Live;
        let verify = |guess| Op::Verify { challenge, guess };
        self.add(if live { 6 } else { 3 }, verify(Guess::Right));
        self.add(2, verify(Guess::Wrong));
        self.add(2, verify(Guess::Old));
        for other in (0..latest).filter(|other| *other != back) {
            self.add(1, verify(Guess::Foreign(other)));
        }
        if live {
            // Whoever began to guess goes on: the limits of an account are further away than those of one challenge.
            let account = reference.state.account(opened.key.account);
            let begun = account.is_some_and(|account| !account.wrong.is_empty());
            let attempts = u8::try_from(limits.attempts).unwrap_or(u8::MAX);
            let guesses = |times| Step {
                op: verify(Guess::Wrong),
                times,
            };
            self.add(if begun { 5 } else { 1 }, guesses(attempts));
            self.add(2, guesses(attempts.saturating_sub(1).max(1)));
        }
        let cool = live && reference.state.now >= opened.issued_at + limits.cooldown;
        let weight = match (cool, opened.attempts) {
            (false, _) => 1,
            (true, 0) => 5,
            (true, _) => 9,
        };
        self.offered(OperationKind::Resend, weight, Op::Resend { challenge });
        if opened.method == Channel::Push {
            self.offered(OperationKind::SwitchMethod, 2, Op::Switch { challenge });
        }
        self.offered(OperationKind::Cancel, 1, Op::Cancel { challenge });
        for by in DEVICES.into_iter().filter(|by| *by != opened.key) {
            self.offered(
                OperationKind::Deny,
                1,
                Op::Deny {
                    challenge,
                    by: by.device,
                },
            );
        }
        for (kind, misuse) in [
            (OperationKind::WhoAmI, Misuse::Use),
            (OperationKind::SetTwoStep, Misuse::SwitchOff),
            (OperationKind::RemoveDevice, Misuse::Remove(0)),
        ] {
            self.offered(kind, 1, Op::Misuse { challenge, misuse });
        }
    }
}
