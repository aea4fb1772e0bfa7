//! What people do, when nothing goes wrong.

use loadtest::flow::Identity;
use loadtest::history::CodeUsed::{Delivered, Guess};
use loadtest::history::{Call, Response};
use loadtest::measure::{Ending, Step};
use loadtest::plan::scenario::{DeviceKind, Flow};
use reference_server::Config;
use targets::Channel::{Email, Push};
use targets::{Channel, OperationKind, Refusal};

use crate::world::{World, class};

pub(crate) const SIGN_IN: Call = Call::SignIn {
    password: true,
    app: true,
};

/// The code of this challenge's message is given.
pub(crate) fn gives(challenge: u32, number: u32) -> Call {
    Call::Verify {
        challenge,
        code: Delivered { challenge, number },
    }
}

/// A settings' cool-down of this many seconds. A message is waited for as long as it takes on a slow machine.
pub(crate) fn cooling(resend_cooldown_s: u64) -> Config {
    Config {
        resend_cooldown_s,
        delivery_answer_s: 60,
        ..Config::default()
    }
}

/// One flow completes with this history and these deliveries.
async fn check(
    world: &World,
    identity: &Identity,
    flow: Flow,
    device: DeviceKind,
    history: &[(u32, Call, Response)],
    by: &[Channel],
) {
    let (walked, book) = world.walk(identity, &class(flow, device)).await;
    assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None), "{flow:?}");
    assert_eq!(book.history(), history, "{flow:?}");
    assert!(!walked.entered && !walked.trust_doubtful && !walked.password_doubtful);
    assert_eq!(walked.password, None);
    assert_eq!(walked.used_second_step, !by.is_empty());
    assert_eq!(walked.human_us > 0, !by.is_empty(), "a code is read, nothing else takes time");
    let steps = book.steps();
    assert!(steps.iter().all(|(_, ending)| *ending == Ending::Completed), "{steps:?}");
    let exchanges = steps.iter().filter(|(step, _)| matches!(step, Step::Exchange(_)));
    assert_eq!(exchanges.count(), history.len());
    let delivered: Vec<Channel> = steps
        .iter()
        .filter_map(|(step, _)| match step {
            Step::Delivery(method) => Some(*method),
            _ => None,
        })
        .collect();
    assert_eq!(delivered, by, "{flow:?}");
    for (sample, operation) in book
        .samples
        .iter()
        .filter(|s| matches!(s.step, Step::Exchange(_)))
        .zip(&book.operations)
    {
        assert_eq!((sample.class, sample.started_us), (3, operation.invoked_us));
        assert!(sample.done_us == operation.returned_us && sample.done_us > sample.started_us);
    }
    if matches!(device, DeviceKind::Trusted) {
        let before = identity.trusted.as_ref().and_then(|device| device.trust_token.clone());
        assert!(walked.trust.is_some() && walked.trust != before, "the token was replaced");
    }
}

#[tokio::test]
async fn on_a_trusted_device() {
    let world = World::start(cooling(30)).await;
    let signed_in = (0, SIGN_IN, Response::SignedIn);
    for (account, flow, rest) in [
        (1, Flow::TrustedSignIn, vec![(0, Call::Use, Response::Done)]),
        (
            2,
            Flow::Refresh,
            vec![(0, Call::Refresh, Response::SignedIn), (0, Call::Use, Response::Done)],
        ),
        (3, Flow::SignOut, vec![(0, Call::SignOut, Response::Done)]),
    ] {
        let identity = world.owner(account).await;
        let history = [vec![signed_in], rest].concat();
        check(&world, &identity, flow, DeviceKind::Trusted, &history, &[]).await;
    }
}

#[tokio::test]
async fn a_password_is_changed_used_and_changed_back() {
    let world = World::start(cooling(30)).await;
    let mut identity = world.owner(1).await;
    let (signed_in, changed) = ((0, SIGN_IN, Response::SignedIn), (0, Call::ChangePassword, Response::Done));
    let history = [signed_in, changed, signed_in, changed];
    check(&world, &identity, Flow::ChangePassword, DeviceKind::Trusted, &history, &[]).await;
    identity = world.owner(2).await;
    let plan = class(Flow::ChangePassword, DeviceKind::Trusted);
    let (walked, _) = world.walk(&identity, &plan).await;
    crate::world::keep(&mut identity, walked.trust);
    let (walked, _) = world.walk(&identity, &class(Flow::TrustedSignIn, DeviceKind::Trusted)).await;
    assert_eq!(walked.ending, Ending::Completed, "{:?}", walked.complaint);
}

#[tokio::test]
async fn on_a_new_device() {
    let world = World::start(cooling(30)).await;
    let (challenged, refused) = (
        (1, SIGN_IN, Response::Challenged(0)),
        Response::Refused(Refusal::UpdateRequired),
    );
    let outdated = Call::SignIn {
        password: true,
        app: false,
    };
    let wrong = Call::Verify {
        challenge: 0,
        code: Guess,
    };
    let wrong = (1, wrong, Response::Refused(Refusal::Code));
    let given = (1, gives(0, 0), Response::SignedIn);
    let used = (1, Call::Use, Response::Done);
    let owner = world.owner(1).await;
    check(
        &world,
        &owner,
        Flow::NewDevice,
        DeviceKind::New,
        &[challenged, given, used],
        &[Push],
    )
    .await;
    let owner = world.owner(2).await;
    let history = [challenged, wrong, given, used];
    check(&world, &owner, Flow::WrongThenRight, DeviceKind::New, &history, &[Push]).await;
    let owner = world.owner(5).await;
    let spent = (1, gives(0, 0), Response::Refused(Refusal::Challenge));
    let history = [challenged, given, spent, used];
    check(&world, &owner, Flow::SubmitTwice, DeviceKind::New, &history, &[Push]).await;
    let owner = world.owner(3).await;
    let history = [(1, outdated, refused), challenged, given, used];
    check(&world, &owner, Flow::NewDevice, DeviceKind::OldApp, &history, &[Push]).await;
    let mut nobody = world.stranger(4);
    nobody.trusted = None;
    check(
        &world,
        &nobody,
        Flow::NewDevice,
        DeviceKind::PushOff,
        &[challenged, given, used],
        &[Email],
    )
    .await;
}

#[tokio::test]
async fn the_code_is_asked_for_again_after_the_cool_down() {
    let world = World::start(cooling(1)).await;
    let owner = world.owner(1).await;
    let resent = (1, Call::Resend { challenge: 0 }, Response::Done);
    let (walked, book) = world.walk(&owner, &class(Flow::Resend, DeviceKind::New)).await;
    assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None));
    // The service counts from a moment later: the first time may have been too early.
    let history = book.history().into_iter().filter(|(_, _, seen)| *seen != Response::Limited);
    let expected = [
        (1, SIGN_IN, Response::Challenged(0)),
        resent,
        (1, gives(0, 1), Response::SignedIn),
        (1, Call::Use, Response::Done),
    ];
    assert_eq!(history.collect::<Vec<_>>(), expected);
    assert!(walked.human_us > 500_000, "the cool-down is the person's time");
    let delivered = book.steps();
    let delivered = delivered.iter().filter(|(step, _)| *step == Step::Delivery(Push));
    assert_eq!(delivered.count(), 2);
}

#[tokio::test]
async fn a_device_is_removed_and_is_out() {
    let world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    let history = [
        (0, SIGN_IN, Response::SignedIn),
        (1, SIGN_IN, Response::Challenged(0)),
        (1, gives(0, 0), Response::SignedIn),
        (1, Call::Use, Response::Done),
        (0, Call::Remove { device: 1 }, Response::Done),
        (1, Call::Use, Response::Refused(Refusal::Session)),
        (1, Call::Refresh, Response::Refused(Refusal::Session)),
        (1, SIGN_IN, Response::Challenged(1)),
    ];
    check(&world, &owner, Flow::RemoveDevice, DeviceKind::Trusted, &history, &[Push]).await;
}

#[tokio::test]
async fn a_trusted_device_without_its_token_gets_another_and_one_with_a_dead_token_is_told() {
    let world = World::start(cooling(30)).await;
    let mut owner = world.owner(1).await;
    let first = owner.clone();
    let plan = class(Flow::TrustedSignIn, DeviceKind::Trusted);
    let (walked, _) = world.walk(&owner, &plan).await;
    crate::world::keep(&mut owner, walked.trust);
    // The token before the present one: for the service, a copy in somebody else's hands.
    let (walked, book) = world.walk(&first, &plan).await;
    assert_eq!(walked.ending, Ending::Refused);
    assert!(walked.complaint.unwrap().contains("trusted device"));
    assert!(walked.used_second_step && walked.trust.is_some(), "it is trusted again");
    let last = book.samples.last().map(|sample| sample.step);
    assert_eq!(last, Some(Step::Exchange(OperationKind::WhoAmI)));
}
