//! The lean client and the general target tell the same.

use loadtest::client::{Lines, Phone};
use loadtest::measure::Ending;
use loadtest::plan::scenario::{DeviceKind, Flow};
use targets::{Channel, Operation, Outcome};

use crate::people::cooling;
use crate::world::{World, class, keep, shared};

#[tokio::test]
async fn flows_have_the_same_history_over_a_target() {
    let world = World::start(cooling(30)).await;
    let bound = world.bound();
    for (account, flow, device) in [
        (1, Flow::NewDevice, DeviceKind::New),
        (2, Flow::WrongThenRight, DeviceKind::OldApp),
        (3, Flow::RemoveDevice, DeviceKind::Trusted),
        (4, Flow::ChangePassword, DeviceKind::Trusted),
    ] {
        let mut owner = world.owner(account).await;
        let plan = class(flow, device);
        let (lean, expected) = world.walk(&owner, &plan).await;
        keep(&mut owner, lean.trust);
        let (walked, book) = world.walk_on(&bound, &shared(bound.open(None)), &owner, &plan, 2).await;
        assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None), "{flow:?}");
        assert_eq!(book.history(), expected.history(), "{flow:?}");
        assert_eq!(book.steps(), expected.steps(), "{flow:?}");
        assert_eq!(walked.trust.is_some(), device == DeviceKind::Trusted);
    }
}

/// What each operation comes to, on a line of these.
async fn shown(world: &World, lines: &Lines, account: u64) -> Vec<Outcome> {
    let identity = world.stranger(account);
    let mut line = lines.open(None);
    let mut phone = Phone::new(format!("all-{account}"), "All");
    phone.app_version = Some("2.3.0".to_owned());
    let sign_in = |password: &str| Operation::SignIn {
        email: identity.email.clone(),
        password: password.to_owned(),
    };
    let text = |text: &str| text.to_owned();
    let before = std::time::Instant::now();
    let mut outcomes = Vec::new();
    for operation in [
        Operation::WhoAmI {},
        sign_in("wrong"),
        sign_in(""),
        sign_in(&identity.password),
        Operation::ReadChallenge {},
        Operation::Resend {},
        Operation::SwitchMethod { method: Channel::Email },
        Operation::Verify { code: text("x") },
    ] {
        outcomes.push(line.perform(&mut phone, operation).await.outcome.unwrap());
    }
    let wanted = loadtest::sink::Wanted::new(vec![identity.email.clone()], before);
    let letter = world
        .sink
        .mailbox
        .wait(&wanted, std::time::Duration::from_secs(60))
        .await
        .unwrap();
    for operation in [
        Operation::Verify {
            code: letter.code.unwrap().into(),
        },
        Operation::WhoAmI {},
        Operation::Refresh {},
        Operation::RegisterPush { token: text("p") },
        Operation::ListDevices {},
        Operation::ListChallenges {},
        Operation::Deny { challenge: text("a/b") },
        Operation::ReadActivity {},
        Operation::ReadTwoStep {},
        Operation::SetTwoStep {
            enabled: true,
            password: None,
        },
        Operation::Reauthenticate { password: text("wrong") },
        Operation::ChangePassword {
            current: identity.password.clone(),
            new: text("short"),
        },
        Operation::RemoveDevice { id: text("none") },
        Operation::RequestReset {
            email: identity.email.clone(),
        },
        Operation::CompleteReset {
            token: text("none"),
            new: text("a long enough one"),
        },
        Operation::CreateAccount {
            email: text("another@example.com"),
            password: text("a long enough one"),
        },
        Operation::SignOut {},
        Operation::WhoAmI {},
        Operation::Cancel {},
    ] {
        outcomes.push(line.perform(&mut phone, operation).await.outcome.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn every_operation_is_classed_the_same() {
    let mut world = World::start(cooling(30)).await;
    // Or a second passes, and the one is told to wait for one less.
    world.stand_still();
    let lean = shown(&world, &world.lines, 1).await;
    let general = shown(&world, &world.bound(), 2).await;
    assert_eq!(lean, general);
    assert!(!lean.contains(&Outcome::Unrecognised), "{lean:?}");
    assert!(lean.contains(&Outcome::SignedIn) && lean.contains(&Outcome::Challenged));
}
