//! better-auth, installed from its registry and started for real, through its binding. Nothing is skipped: without npm the
//! test fails and says so.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use conformance::engine::Config;
use conformance::provider::Shared;
use conformance::select::Selection;
use conformance::verdict::{Exit, Verdict};
use targets::binding::{self, Finding, Health, Running};
use targets::{BoundTarget, Device, Message, Operation, Outcome, Refusal, Target};

/// Starts better-auth; installs it first where that has not been done.
async fn better_auth() -> Running {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/real/better-auth");
    if !real.join("node_modules/.package-lock.json").exists() {
        let npm = Command::new("npm").arg("--version").output();
        assert!(
            npm.is_ok(),
            "npm is needed to install better-auth, and there is none: {:?}",
            npm.err()
        );
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/bindings/better-auth.toml");
    let binding = binding::load(file).expect("the binding is right");
    Running::start(binding)
        .await
        .unwrap_or_else(|error| panic!("better-auth did not start: {error}"))
}

#[tokio::test]
async fn the_doctor_finds_the_binding_well() {
    let running = better_auth().await;
    let findings = binding::doctor(&running.target).await;
    let ill: Vec<_> = findings
        .iter()
        .filter(|finding| matches!(finding.health, Health::Ill | Health::Unreachable))
        .collect();
    assert!(ill.is_empty(), "{ill:#?}\n{findings:#?}");
    for tried in [
        "create_account",
        "sign_in",
        "verify",
        "who_am_i",
        "list_devices",
        "set_two_step",
        "sign_out",
    ] {
        let well = |finding: &Finding| finding.operation == tried && finding.health == Health::Well;
        assert!(findings.iter().any(well), "{tried}: {findings:#?}");
    }
    running.stop().await;
}

const PASSWORD: &str = "correct horse battery staple";

/// One person with one account on better-auth, who has switched two-step verification on.
struct Person<'t> {
    target: &'t BoundTarget,
    email: String,
}

impl<'t> Person<'t> {
    async fn new(target: &'t BoundTarget, name: &str) -> Self {
        let person = Self {
            target,
            email: format!("{name}@stepproof.test"),
        };
        let browser = &mut Device::new("first browser", "i-0");
        let create = Operation::CreateAccount {
            email: person.email.clone(),
            password: PASSWORD.to_owned(),
        };
        assert_eq!(person.does(browser, create).await, Outcome::Done);
        assert_eq!(person.signs_in(browser, PASSWORD).await, Outcome::SignedIn);
        let switch_on = Operation::SetTwoStep {
            enabled: true,
            password: Some(PASSWORD.to_owned()),
        };
        assert_eq!(person.does(browser, switch_on).await, Outcome::Done);
        assert_eq!(person.does(browser, Operation::SignOut {}).await, Outcome::Done);
        person
    }

    async fn does(&self, device: &mut Device, operation: Operation) -> Outcome {
        let answer = self.target.perform(device, operation).await;
        answer.unwrap_or_else(|error| panic!("{error}")).outcome
    }

    async fn signs_in(&self, device: &mut Device, password: &str) -> Outcome {
        let sign_in = Operation::SignIn {
            email: self.email.clone(),
            password: password.to_owned(),
        };
        self.does(device, sign_in).await
    }

    /// Signs in or asks again, and reads the code that this brings.
    async fn code(&self, device: &mut Device, operation: Operation) -> String {
        let cursor = self.target.deliveries().cursor();
        let outcome = self.does(device, operation).await;
        assert!(matches!(outcome, Outcome::Challenged | Outcome::Done), "{outcome:?}");
        let mine = |message: &Message| message.to == self.email && message.code.is_some();
        let message = self.target.deliveries().wait(cursor, Duration::from_secs(10), mine).await;
        message.and_then(|message| message.code).expect("a code is mailed")
    }

    fn sign_in(&self) -> Operation {
        Operation::SignIn {
            email: self.email.clone(),
            password: PASSWORD.to_owned(),
        }
    }

    /// A device that is signed in and trusted.
    async fn trusted(&self, name: &str) -> Device {
        let mut device = Device::new(name, name);
        let code = self.code(&mut device, self.sign_in()).await;
        assert_eq!(self.does(&mut device, Operation::Verify { code }).await, Outcome::SignedIn);
        device
    }
}

const REFUSED_AS_SPENT: Outcome = Outcome::Refused {
    reason: Refusal::Challenge,
};

/// What better-auth does, step by step and without the engine: what a run has to find, and what it must not.
#[tokio::test]
async fn what_a_run_has_to_find() {
    let running = better_auth().await;
    let target = running.target.as_ref();
    one_code_opens_one_session(&Person::new(target, "race").await).await;
    asking_again_gives_five_more_guesses(&Person::new(target, "guesses").await).await;
    a_removed_device_stays_trusted(&Person::new(target, "removal").await).await;
    trust_and_pending_codes_outlive_the_password(&Person::new(target, "password").await).await;
    trust_outlives_the_setting(&Person::new(target, "setting").await).await;
    a_taken_address_is_told(&Person::new(target, "taken").await).await;
    running.stop().await;
}

async fn one_code_opens_one_session(person: &Person<'_>) {
    let mut device = Device::new("racer", "racer");
    let code = person.code(&mut device, person.sign_in()).await;
    let answers = person.target.race(&device, Operation::Verify { code }, 12).await;
    let mut sessions = BTreeSet::new();
    for (_, mut own) in answers.expect("are sent") {
        let who = person.target.perform(&mut own, Operation::WhoAmI {}).await.expect("answers");
        sessions.extend(who.facts.device_id);
    }
    assert_eq!(sessions.len(), 1, "twelve right answers at once");
}

async fn asking_again_gives_five_more_guesses(person: &Person<'_>) {
    let mut device = Device::new("guesser", "guesser");
    let mut right = person.code(&mut device, person.sign_in()).await;
    for _ in 0..3 {
        for nth in 0..5 {
            let code = person.target.wrong_code(&right, nth);
            let outcome = person.does(&mut device, Operation::Verify { code }).await;
            assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        }
        let spent = Operation::Verify { code: right };
        assert_eq!(person.does(&mut device, spent).await, REFUSED_AS_SPENT, "five guesses a code");
        right = person.code(&mut device, Operation::Resend {}).await;
    }
    let sixteenth = person.does(&mut device, Operation::Verify { code: right }).await;
    assert_eq!(sixteenth, Outcome::SignedIn, "after fifteen wrong guesses on one challenge");
}

async fn a_removed_device_stays_trusted(person: &Person<'_>) {
    let mut lost = person.trusted("lost phone").await;
    let mut kept = person.trusted("kept phone").await;
    let list = person
        .target
        .perform(&mut kept, Operation::ListDevices {})
        .await
        .expect("answers");
    let rows = list.facts.devices.expect("has rows");
    let row = rows
        .iter()
        .find(|row| row.name.as_deref() == Some("lost phone"))
        .expect("is listed");
    let remove = Operation::RemoveDevice { id: row.id.clone() };
    assert_eq!(person.does(&mut kept, remove).await, Outcome::Done);
    let out = Outcome::Refused {
        reason: Refusal::Session,
    };
    assert_eq!(
        person.does(&mut lost, Operation::WhoAmI {}).await,
        out,
        "is signed out at once"
    );
    assert_eq!(
        person.signs_in(&mut lost, PASSWORD).await,
        Outcome::SignedIn,
        "and needs no code to come back"
    );
}

async fn trust_and_pending_codes_outlive_the_password(person: &Person<'_>) {
    let mut mine = person.trusted("my phone").await;
    let mut thiefs = person.trusted("the thief's phone").await;
    let mut pending = Device::new("half way", "half way");
    let code = person.code(&mut pending, person.sign_in()).await;
    let new = "another horse battery staple";
    let change = Operation::ChangePassword {
        current: PASSWORD.to_owned(),
        new: new.to_owned(),
    };
    assert_eq!(person.does(&mut mine, change).await, Outcome::Done);
    assert_eq!(
        person.does(&mut pending, Operation::Verify { code }).await,
        Outcome::SignedIn,
        "the old password's code"
    );
    assert_eq!(
        person.signs_in(&mut thiefs, new).await,
        Outcome::SignedIn,
        "no code is asked for"
    );
}

async fn trust_outlives_the_setting(person: &Person<'_>) {
    let mut mine = person.trusted("my phone").await;
    let mut other = person.trusted("other phone").await;
    for enabled in [false, true] {
        let set = Operation::SetTwoStep {
            enabled,
            password: Some(PASSWORD.to_owned()),
        };
        assert_eq!(person.does(&mut mine, set).await, Outcome::Done);
    }
    assert_eq!(person.signs_in(&mut other, PASSWORD).await, Outcome::SignedIn);
}

async fn a_taken_address_is_told(person: &Person<'_>) {
    let again = Operation::CreateAccount {
        email: person.email.clone(),
        password: "somebody else's password".to_owned(),
    };
    let told = Outcome::Refused {
        reason: Refusal::Invalid,
    };
    assert_eq!(person.does(&mut Device::new("stranger", "stranger"), again).await, told);
}

/// Breaches that are really there, each looked into: the check, and what better-auth does.
const BREACHES: &[(&str, &str)] = &[
    (
        "SIGN-06.live-challenges-are-bounded",
        "any number of challenges are live at a time",
    ),
    (
        "SIGN-07.answer-tells-what-is-needed",
        "the answer names the methods, and neither expiry nor next send",
    ),
    (
        "LIFE-05.password-change-ends-challenges",
        "a pending challenge does not know what password it was opened with",
    ),
    ("LIFE-05.reset-ends-challenges", "as above"),
    ("LIFE-05.password-change-ends-resends", "and sends it another code"),
    ("LIFE-05.reset-ends-resends", "as above"),
    (
        "LIFE-05.switching-off-ends-resends",
        "as above, though nothing can be opened with it",
    ),
    (
        "LIFE-05.switching-off-and-on-ends-challenges",
        "nor that the step was off in between",
    ),
    (
        "ATT-02.resend-keeps-the-count",
        "a code takes five guesses, and another code is to be had for the asking",
    ),
    (
        "ATT-02.guesses-add-up-over-challenges",
        "the account lock counts only for accounts with a TOTP secret, which enabling by mailed code does not make",
    ),
    (
        "ATT-08.locked-answers-alike",
        "for the same reason no account with mailed codes is ever locked",
    ),
    ("ATT-09.password-clears-no-code-failures", "as above"),
    ("ATT-09.success-elsewhere-clears-nothing", "as above"),
    ("RSND-03.early-resend-sends-nothing", "nothing holds back a second send"),
    (
        "RSND-03.double-tap-sends-one-message",
        "a send that another sign-in of the account asks for is not held back either",
    ),
    ("RSND-03.challenge-cap-holds", "nor any number of them for one challenge"),
    ("RSND-03.account-cap-holds", "nor for one account"),
    (
        "DEV-08.list-tells-the-owner",
        "a session's row has no place, and no address without a proxy's header",
    ),
    (
        "DEV-11.removed-device-needs-a-code",
        "revoking a session leaves the trust cookie's record",
    ),
    ("DEV-11.old-trust-stays-dead", "as above"),
    (
        "TOGL-01.new-accounts-ask-for-a-code",
        "two-step verification is off until its owner enables it",
    ),
    (
        "TOGL-03.on-again-asks-the-untrusted",
        "the device that switches off loses its trust",
    ),
];

/// What is recommended, and not what it does.
const WARNINGS: &[(&str, &str)] = &[(
    "TOGL-03.sessions-of-the-off-period-end",
    "enabling renews the own session and leaves the others",
)];

/// Promises that it keeps: a run that does not see them has lost its sight.
const KEPT: &[&str] = &[
    "SIGN-01.password-alone-opens-nothing",
    "SIGN-02.wrong-password-sends-nothing",
    "SIGN-03.code-alone-is-not-enough",
    "CODE-01.leading-zero-counts",
    "LIFE-03.code-works-once",
    "BIND-01.code-of-another-account-is-refused",
    "BIND-05.completing-one-upgrades-no-other",
    "ATT-01.cap-refuses-the-right-code",
    "ATT-10.one-request-tests-one-code",
    "DEV-02.trusted-device-skips-the-step",
    "DEV-03.trust-is-per-account",
    "DEV-06.replaced-trust-is-dead",
    "DEV-10.removed-device-is-out-at-once",
    "RSND-01.resent-code-signs-in",
    "RSND-02.old-code-is-void",
    "SESS-01.pending-opens-nothing",
    "SESS-02.handle-never-becomes-the-session",
    "SESS-04.sign-out-ends-the-session",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_finds_what_is_there() {
    let running = better_auth().await;
    let provider = Shared {
        target: running.target.clone(),
        urls: Vec::new(),
        binding: Some("targets/bindings/better-auth.toml".to_owned()),
    };
    let config = Config {
        checks: Selection::default().checks().expect("there are checks"),
        walks: None,
        whole: true,
        bounds: false,
        profile: specs::Profile::Faq,
        seed: 7,
        jobs: 4,
        timeout: Duration::from_secs(120),
        least_judged: 25,
        tell_all: false,
        replay: "stepproof check --binding targets/bindings/better-auth.toml".to_owned(),
    };
    let (_go_on, stop) = tokio::sync::watch::channel(false);
    let summary = conformance::engine::run(config, Arc::new(provider), stop, |_| {}).await;
    running.stop().await;
    let summary = summary.expect("better-auth can be reached");
    let told = |check: &str| summary.judged.iter().find(|judged| judged.check == check);
    let mut wrong = Vec::new();
    let breaches = BREACHES.iter().map(|(check, why)| (*check, Verdict::Failed, *why));
    let kept = KEPT.iter().map(|check| (*check, Verdict::Passed, "it keeps this"));
    let warnings = WARNINGS.iter().map(|(check, why)| (*check, Verdict::Warned, *why));
    for (check, verdict, why) in breaches.chain(warnings).chain(kept) {
        if told(check).is_none_or(|judged| judged.verdict != verdict) {
            wrong.push(format!("{check} should be {verdict} ({why}): {:?}", told(check)));
        }
    }
    wrong.extend(
        summary
            .judged
            .iter()
            .filter(|judged| judged.verdict == Verdict::HarnessError)
            .map(|judged| format!("{}: {:?}", judged.check, judged.reason)),
    );
    assert!(wrong.is_empty(), "{}\n{:?}", wrong.join("\n"), summary.finished);
    assert_eq!(summary.exit, Exit::DoesNotConform);
}
