//! Which steps are drawn. A plan is followed on the right machine, so that the steps make sense when they are drawn: about
//! half of the codes that are shown can be accepted, and the others are the ones an attacker would try.

use proptest::strategy::{BoxedStrategy, Just, Strategy, Union};
use proptest_state_machine::Sequential;
use specs::machine::{App, Channel, Limits, Misuse, Op, Password, Seconds, Spec, State, Status, step as machine_step};
use targets::OperationKind;

use crate::walk::step::{Show, Step, Who};
use crate::walk::subject::Terrain;

/// The right machine, and what a target counts that the machine does not.
#[derive(Clone, Debug)]
pub struct Plan {
    state: State,
    /// Wrong passwords typed. Their own limit is for the checks of attempts: a walk stays below it.
    wrong_passwords: u32,
}

impl Plan {
    fn new() -> Self {
        Self {
            state: State::new(2),
            wrong_passwords: 0,
        }
    }

    fn after(mut self, step: &Step, limits: &Limits) -> Self {
        self.wrong_passwords += u32::from(types_wrong_password(step));
        for op in step.operations(&self.state) {
            self.state = machine_step(&Spec, limits, &self.state, &op).state;
        }
        self
    }

    fn admits(&self, step: &Step, limits: &Limits) -> bool {
        let room = !types_wrong_password(step) || self.wrong_passwords + 2 < limits.account_wrong;
        let former_exists = !matches!(step, Step::SignIn { password: Password::Former, who, .. }
            if self.state.account(who.key().account).is_none_or(|account| account.epoch == 0));
        room && former_exists && !step.operations(&self.state).is_empty()
    }
}

fn types_wrong_password(step: &Step) -> bool {
    match step {
        Step::SignIn { password, .. } => *password != Password::Right,
        Step::ChangePassword { current, .. } => !current,
        _ => false,
    }
}

/// The strategy of walks on this terrain.
pub type Walks = Sequential<Plan, Step, Just<Plan>, BoxedStrategy<Step>>;

/// Walks of up to so many steps, one at least.
pub fn walks(terrain: &Terrain, most_steps: usize) -> Walks {
    let (for_conditions, for_steps, for_next) = (terrain.limits.clone(), terrain.clone(), terrain.limits.clone());
    Sequential::new(
        (1..=most_steps.max(1)).into(),
        || Just(Plan::new()),
        move |plan: &Plan, step: &Step| plan.admits(step, &for_conditions),
        move |plan: &Plan| draw(plan, &for_steps),
        move |plan: Plan, step: &Step| plan.after(step, &for_next),
    )
}

/// A step from here. A step is not made simpler by turning it into another one: shrinking leaves steps out.
fn draw(plan: &Plan, terrain: &Terrain) -> BoxedStrategy<Step> {
    let mut steps = offered(plan, terrain);
    steps.retain(|(_, step)| plan.admits(step, &terrain.limits));
    let steps = steps.into_iter().map(|(weight, step)| (weight, Just(step)));
    Union::new_weighted(steps.collect()).no_shrink().boxed()
}

fn offered(plan: &Plan, terrain: &Terrain) -> Vec<(u32, Step)> {
    let mut steps = Vec::new();
    for who in Who::ALL {
        of_a_device(plan, who, terrain, &mut steps);
    }
    let latest = u8::try_from(plan.state.challenges.len().min(3)).unwrap_or(0);
    for back in 0..latest {
        of_a_challenge(plan, back, latest, terrain, &mut steps);
    }
    if terrain.controlled_clock {
        steps.extend(moments(&terrain.limits).map(|(weight, seconds)| (weight, Step::Advance { seconds })));
    }
    if terrain.offers(OperationKind::CompleteReset) {
        steps.push((1, Step::Reset));
    }
    steps
}

/// Just before, at and just after what ends with time.
fn moments(limits: &Limits) -> impl Iterator<Item = (u32, Seconds)> {
    let ttl = limits.code_ttl;
    [
        (5, limits.cooldown),
        (1, limits.cooldown.saturating_sub(1)),
        (1, 1),
        (1, ttl.saturating_sub(1)),
        (2, ttl),
        (1, ttl + 1),
        (1, limits.challenge_max),
        (1, limits.lock.saturating_sub(1)),
        (2, limits.lock),
    ]
    .into_iter()
    .filter(|(_, seconds)| *seconds > 0)
}

fn of_a_device(plan: &Plan, who: Who, terrain: &Terrain, steps: &mut Vec<(u32, Step)>) {
    let key = who.key();
    let limits = &terrain.limits;
    let signed_in = plan.state.signed_in(key, limits);
    let sign_in = |password, app| Step::SignIn { who, password, app };
    let account = plan.state.account(key.account);
    let locked = account.is_some_and(|account| account.locked_until.is_some());
    let weight = if signed_in && !locked { 2 } else { 6 };
    steps.push((weight, sign_in(Password::Right, App::Current)));
    steps.push((1, sign_in(Password::Wrong, App::Current)));
    steps.push((1, sign_in(Password::Former, App::Current)));
    steps.push((1, sign_in(Password::Right, App::Old)));
    let was_here = signed_in
        || plan
            .state
            .challenges
            .iter()
            .any(|c| c.key == key && c.status == Status::Verified);
    if was_here && terrain.offers(OperationKind::WhoAmI) {
        steps.push((3, Step::Use { who }));
    }
    if was_here && terrain.offers(OperationKind::Refresh) {
        steps.push((2, Step::Refresh { who }));
    }
    if !signed_in {
        return;
    }
    let two_step = plan.state.account(key.account).is_some_and(|account| account.two_step);
    let mut add = |kind: OperationKind, weight: u32, step: Step| {
        if terrain.offers(kind) {
            steps.push((weight, step));
        }
    };
    add(OperationKind::SignOut, 2, Step::SignOut { who });
    for gone in Who::ALL {
        add(OperationKind::RemoveDevice, 1, Step::Remove { by: who, who: gone });
    }
    if two_step {
        add(OperationKind::SetTwoStep, 1, Step::SwitchOff { by: who, proof: true });
        add(OperationKind::SetTwoStep, 1, Step::SwitchOff { by: who, proof: false });
    } else {
        add(OperationKind::SetTwoStep, 2, Step::SwitchOn { by: who });
    }
    add(
        OperationKind::ChangePassword,
        1,
        Step::ChangePassword { by: who, current: true },
    );
    add(
        OperationKind::ChangePassword,
        1,
        Step::ChangePassword { by: who, current: false },
    );
}

fn of_a_challenge(plan: &Plan, back: u8, latest: u8, terrain: &Terrain, steps: &mut Vec<(u32, Step)>) {
    let Some(Op::Resend { challenge }) = (Step::Resend { back }).operations(&plan.state).pop() else {
        return;
    };
    let Some(challenge) = plan.state.challenge(challenge) else {
        return;
    };
    let live = challenge.status == Status::Live;
    let attempts = u8::try_from(terrain.limits.attempts).unwrap_or(u8::MAX);
    let verify = |code| Step::Verify { back, code };
    steps.push((if live { 6 } else { 3 }, verify(Show::Right)));
    steps.push((2, verify(Show::Wrong)));
    steps.push((2, verify(Show::Old)));
    for other in (0..latest).filter(|other| *other != back) {
        steps.push((1, verify(Show::Of(other))));
    }
    if live {
        // Whoever began to guess goes on: the limits of an account are further away than those of one challenge.
        let account = plan.state.account(challenge.key.account);
        let begun = account.is_some_and(|account| !account.wrong.is_empty());
        let times = attempts;
        steps.push((if begun { 5 } else { 1 }, Step::WrongCodes { back, times }));
        let times = attempts.saturating_sub(1).max(1);
        steps.push((2, Step::WrongCodes { back, times }));
    }
    let mut add = |kind: OperationKind, weight: u32, step: Step| {
        if terrain.offers(kind) {
            steps.push((weight, step));
        }
    };
    let cool = live && plan.state.now >= challenge.issued_at + terrain.limits.cooldown;
    let weight = match (cool, challenge.attempts) {
        (false, _) => 1,
        (true, 0) => 5,
        (true, _) => 9,
    };
    add(OperationKind::Resend, weight, Step::Resend { back });
    if challenge.method == Channel::Push {
        add(OperationKind::SwitchMethod, 2, Step::Switch { back });
    }
    add(OperationKind::Cancel, 1, Step::Cancel { back });
    for by in Who::ALL.into_iter().filter(|by| by.key() != challenge.key) {
        add(OperationKind::Deny, 1, Step::Deny { by, back });
    }
    add(
        OperationKind::WhoAmI,
        1,
        Step::Misuse {
            back,
            misuse: Misuse::Use,
        },
    );
    add(
        OperationKind::SetTwoStep,
        1,
        Step::Misuse {
            back,
            misuse: Misuse::SwitchOff,
        },
    );
    add(
        OperationKind::RemoveDevice,
        1,
        Step::Misuse {
            back,
            misuse: Misuse::Remove(0),
        },
    );
}
