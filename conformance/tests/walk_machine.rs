//! Walks on machines in memory: what is drawn, found and shrunk, without a server.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use conformance::proof::Stop;
use conformance::walk::step::Step;
use conformance::walk::subject::{Ground, Subject, Terrain};
use conformance::walk::{Config, WalkFailure, WalkReport, replay, run_case, run_cases, shrink};
use specs::Parameters;
use specs::machine::{Answer, Limits, Op, PermittedBehaviour, Rules, Spec, State, mutants, step};
use targets::OperationKind;

/// A machine with these decisions.
struct Machine(&'static dyn Rules);

struct Running {
    rules: &'static dyn Rules,
    limits: Limits,
    state: State,
}

fn terrain() -> Terrain {
    Terrain {
        limits: Limits::from(&Parameters::default()),
        controlled_clock: true,
        offers: OperationKind::ALL.to_vec(),
    }
}

#[async_trait]
impl Ground for Machine {
    async fn terrain(&self) -> Result<Terrain, Stop> {
        Ok(terrain())
    }

    async fn fresh(&self) -> Result<Box<dyn Subject>, Stop> {
        Ok(Box::new(Running {
            rules: self.0,
            limits: terrain().limits,
            state: State::new(2),
        }))
    }
}

#[async_trait]
impl Subject for Running {
    async fn perform(&mut self, op: &Op) -> Result<Option<Answer>, Stop> {
        let transition = step(self.rules, &self.limits, &self.state, op);
        self.state = transition.state;
        Ok(Some(transition.answer))
    }
}

async fn case(rules: &'static dyn Rules, seed: u64, case: u32) -> WalkReport {
    run_case(Arc::new(Machine(rules)), seed, case, Config::default())
        .await
        .unwrap()
}

async fn first_failure(rules: &'static dyn Rules, seed: u64, cases: u32) -> Option<WalkFailure> {
    for number in 0..cases {
        let report = case(rules, seed, number).await;
        if report.failure.is_some() {
            return report.failure;
        }
    }
    None
}

#[tokio::test]
async fn the_right_machine_is_never_blamed() {
    for number in 0..150 {
        let report = case(&Spec, 1, number).await;
        assert!(report.failure.is_none(), "case {number}: {:#?}", report.failure);
    }
}

#[tokio::test]
async fn no_reading_of_what_is_left_open_is_blamed() {
    for reading in PermittedBehaviour::all() {
        let rules: &'static PermittedBehaviour = Box::leak(Box::new(reading));
        for number in 0..25 {
            let report = case(rules, 2, number).await;
            assert!(report.failure.is_none(), "{reading:?}, case {number}: {:#?}", report.failure);
        }
    }
}

/// Opens no challenge while no code would be evaluated.
struct NoChallengeWhileLocked;

impl Rules for NoChallengeWhileLocked {
    fn lock_stops_sign_in(&self, trusted: bool) -> bool {
        !trusted
    }
}

/// As [`NoChallengeWhileLocked`], for everybody.
struct NobodyWhileLocked;

impl Rules for NobodyWhileLocked {
    fn lock_stops_sign_in(&self, _: bool) -> bool {
        true
    }
}

#[tokio::test]
async fn what_is_tolerated_is_not_blamed_and_goes_no_further() {
    for number in 0..200 {
        let report = case(&NoChallengeWhileLocked, 4, number).await;
        assert!(report.failure.is_none(), "case {number}: {:#?}", report.failure);
    }
    let failure = first_failure(&NobodyWhileLocked, 4, 800).await.unwrap();
    assert_eq!(failure.requirement, "ATT-06", "{:#?}", failure.story);
}

#[tokio::test]
async fn a_code_that_is_not_consumed_shrinks_to_a_handful() {
    let bad = mutants::named("code-not-consumed").unwrap();
    for seed in 0..20 {
        let failure = first_failure(bad.rules, seed, 50).await.unwrap();
        assert_eq!(failure.requirement, "LIFE-03", "seed {seed}: {:#?}", failure.story);
        assert!(failure.minimal);
        // Signing in and showing the code twice; or asking for another code when it was accepted, which takes a cool-down.
        assert!(failure.steps.len() <= 4, "seed {seed}: {:#?}", failure.story);
    }
}

/// Wrong machines whose errors show in an answer, with the requirements that may be blamed for each.
const SHOWN: &[(&str, &[&str])] = &[
    ("first-device-free-pass", &["METH-05"]),
    ("old-app-exempt", &["VER-05", "VER-01"]),
    ("code-not-consumed", &["LIFE-03"]),
    ("verified-still-takes-guesses", &["LIFE-03"]),
    ("old-code-still-valid", &["RSND-02", "METH-04"]),
    ("latest-code-per-account", &["BIND-02"]),
    ("global-code-table", &["BIND-01", "BIND-02"]),
    ("no-expiry-check", &["LIFE-01"]),
    ("no-cap", &["ATT-01"]),
    ("resend-resets-counter", &["ATT-01"]),
    ("pending-can-toggle", &["SESS-01"]),
    ("pending-can-read", &["SESS-01"]),
    ("removal-keeps-session", &["DEV-10"]),
    ("removal-keeps-trust", &["DEV-11"]),
    ("refresh-resurrects", &["DEV-10", "SESS-04", "PWD-05", "TOGL-03", "SIGN-01"]),
    ("sign-out-only-forgets-locally", &["SESS-04"]),
    ("no-cooldown", &["RSND-03"]),
    ("password-change-keeps-sessions", &["PWD-05"]),
    ("password-change-keeps-challenges", &["LIFE-05"]),
    ("toggle-keeps-challenges", &["LIFE-05"]),
    ("no-email-fallback", &["METH-02"]),
];

#[tokio::test]
async fn each_error_is_found_and_blamed_on_its_requirement() {
    let mut wrong_ones = Vec::new();
    for (slug, requirements) in SHOWN {
        let bad = mutants::named(slug).unwrap();
        match first_failure(bad.rules, 7, 600).await {
            Some(failure) if requirements.contains(&failure.requirement.as_str()) && failure.minimal => {}
            Some(failure) => wrong_ones.push(format!("{slug}: {} {:#?}", failure.requirement, failure.story)),
            None => wrong_ones.push(format!("{slug}: not found")),
        }
    }
    assert!(wrong_ones.is_empty(), "{}", wrong_ones.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_case_gives_the_same_steps_alone_and_among_others() {
    let bad = mutants::named("code-not-consumed").unwrap().rules;
    let together: Vec<_> = (0..16).map(|number| tokio::spawn(case(bad, 42, number))).collect();
    for (number, report) in (0..16).zip(together) {
        let report = report.await.unwrap();
        let alone = case(bad, 42, number).await;
        let steps = |report: &WalkReport| report.failure.as_ref().map(|failure| failure.steps.clone());
        assert_eq!(steps(&report), steps(&alone));
        assert_eq!((report.compared, report.runs), (alone.compared, alone.runs));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_cases_find_does_not_depend_on_how_many_run_at_a_time() {
    let ground: Arc<dyn Ground> = Arc::new(Machine(mutants::named("sign-out-only-forgets-locally").unwrap().rules));
    let mut found = Vec::new();
    for jobs in [1, 4] {
        let mut ended = BTreeSet::new();
        let cases = run_cases(Arc::clone(&ground), 9, 0..40, jobs, Config::default(), |number, _| {
            ended.insert(number);
        })
        .await;
        assert!(ended.len() >= cases.walked as usize && cases.stopped.is_empty());
        let failures: Vec<_> = cases
            .failures
            .into_iter()
            .map(|(id, (case, failure))| (id, case, failure.story))
            .collect();
        found.push(((cases.walked, cases.compared), failures));
    }
    assert_eq!(found[0], found[1]);
    assert!(
        found[0].1.iter().any(|(requirement, ..)| requirement == "SESS-04"),
        "{:#?}",
        found[0].1
    );
}

#[tokio::test]
async fn steps_are_data_and_are_walked_again_without_the_generator() {
    let bad = Machine(mutants::named("removal-keeps-session").unwrap().rules);
    let failure = first_failure(bad.0, 3, 400).await.unwrap();
    let saved = serde_json::to_string(&failure.steps).unwrap();
    let steps: Vec<Step> = serde_json::from_str(&saved).unwrap();
    let walk = replay(&bad, &steps).await.unwrap();
    assert_eq!(walk.broken, Some((failure.requirement, failure.breach)));
    assert_eq!(walk.story, failure.story);
    assert_eq!(replay(&Machine(&Spec), &steps).await.unwrap().broken, None);
}

#[tokio::test]
async fn steps_that_name_what_does_not_exist_do_nothing() {
    let steps: Vec<Step> =
        serde_json::from_str(r#"[{"step":"verify","back":3,"code":"old"},{"step":"resend","back":0}]"#).unwrap();
    let walk = replay(&Machine(&Spec), &steps).await.unwrap();
    assert_eq!((walk.begun, walk.compared, walk.broken), (2, 0, None));
}

#[test]
fn cases_differ_and_walks_are_honest_and_hostile() {
    let cases: Vec<Vec<Step>> = (0..100)
        .map(|number| shrink::steps_of(&terrain(), 5, number, Config::default()).unwrap())
        .collect();
    let distinct: BTreeSet<String> = cases.iter().map(|steps| format!("{steps:?}")).collect();
    assert!(distinct.len() > 95, "{} distinct cases", distinct.len());
    let mut state_changes = 0;
    let mut verifies = 0;
    for steps in &cases {
        let limits = terrain().limits;
        let mut state = State::new(2);
        for one in steps {
            for op in one.operations(&state) {
                let transition = step(&Spec, &limits, &state, &op);
                if matches!(op, Op::Verify { .. }) && matches!(one, Step::Verify { .. }) {
                    verifies += 1;
                    state_changes += usize::from(transition.answer == Answer::SignedIn);
                }
                state = transition.state;
            }
        }
    }
    let share = state_changes * 100 / verifies;
    assert!((20..=70).contains(&share), "{share} % of the shown codes are accepted");
}
