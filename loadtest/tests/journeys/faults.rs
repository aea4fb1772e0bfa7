//! What people do when something goes wrong.

use loadtest::history::{Call, Response};
use loadtest::measure::{Ending, Step};
use loadtest::plan::scenario::{DeviceKind, Flow};
use loadtest::sink::Trouble;
use reference_server::Config;
use targets::Channel::{Email, Push};
use targets::OperationKind;

use crate::people::{SIGN_IN, cooling, gives};
use crate::world::{SEEDED, World, class, shared};

/// People who wait so long for a code, in seconds: what does come has to come in it.
fn patient(code_patience_s: f64) -> loadtest::plan::scenario::UserClass {
    loadtest::plan::scenario::UserClass {
        code_patience_s,
        ..class(Flow::NewDevice, DeviceKind::New)
    }
}

#[tokio::test]
async fn without_a_push_the_code_comes_by_email() {
    let world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    world.sink.faults.order(Push, Trouble::Refuse);
    let (walked, book) = world.walk(&owner, &patient(4.0)).await;
    assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None));
    let history = [
        (1, SIGN_IN, Response::Challenged(0)),
        (1, Call::Switch { challenge: 0 }, Response::Done),
        (1, gives(0, 1), Response::SignedIn),
        (1, Call::Use, Response::Done),
    ];
    assert_eq!(book.history(), history);
    let steps = book.steps();
    assert!(steps.contains(&(Step::Delivery(Push), Ending::NoCode)));
    assert!(steps.contains(&(Step::Delivery(Email), Ending::Completed)));
}

#[tokio::test]
async fn a_lost_push_is_waited_for_until_the_service_lets_email_be_asked_for() {
    let mut world = World::start(cooling(1)).await;
    let owner = world.owner(1).await;
    world.sink.faults.order(Push, Trouble::Lose);
    // Or the cool-down might be over before email is asked for the first time.
    world.stand_still();
    let (walked, book) = world.walk(&owner, &patient(4.0)).await;
    assert_eq!((walked.ending, walked.complaint), (Ending::Completed, None));
    let switches = book.history();
    let switches: Vec<Response> = switches
        .iter()
        .filter(|(_, call, _)| matches!(call, Call::Switch { .. }))
        .map(|(_, _, seen)| *seen)
        .collect();
    assert_eq!(switches, [Response::Limited, Response::Done]);
}

#[tokio::test]
async fn hung_providers_leave_people_without_a_code() {
    let world = World::start(Config {
        delivery_answer_s: 1,
        ..cooling(30)
    })
    .await;
    let owner = world.stranger(SEEDED);
    world.sink.faults.order(Push, Trouble::Hang);
    world.sink.faults.order(Email, Trouble::Hang);
    let (walked, book) = world.walk(&owner, &patient(0.2)).await;
    assert_eq!(walked.ending, Ending::NoCode, "{:?}", walked.complaint);
    assert!(!walked.used_second_step);
    let switched = (1, Call::Switch { challenge: 0 }, Response::Unknown);
    assert_eq!(book.history(), [(1, SIGN_IN, Response::Challenged(0)), switched]);
}

#[tokio::test]
async fn a_lost_email_leaves_people_without_a_code() {
    let world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    world.sink.faults.order(Push, Trouble::Refuse);
    world.sink.faults.order(Email, Trouble::Lose);
    let (walked, book) = world.walk(&owner, &patient(0.2)).await;
    assert_eq!(walked.ending, Ending::NoCode);
    assert!(book.steps().contains(&(Step::Delivery(Email), Ending::NoCode)));
}

#[tokio::test]
async fn a_dead_server_does_not_answer_and_nothing_happened() {
    let mut world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    let line = shared(world.lines.open(None));
    let plan = class(Flow::TrustedSignIn, DeviceKind::Trusted);
    let (walked, _) = world.walk_on(&world.lines, &line, &owner, &plan, 1).await;
    assert_eq!(walked.ending, Ending::Completed);
    world.kill().await;
    // The connection that stood open may go while it is written to; a new one certainly does not come about.
    let (walked, _) = world.walk_on(&world.lines, &line, &owner, &plan, 1).await;
    assert_eq!(walked.ending, Ending::Unanswered, "{:?}", walked.complaint);
    let (walked, book) = world.walk_on(&world.lines, &line, &owner, &plan, 1).await;
    assert_eq!(walked.ending, Ending::Unanswered, "{:?}", walked.complaint);
    assert_eq!(book.history(), [], "{:?}", walked.complaint);
    assert_eq!(book.steps(), [(Step::Exchange(OperationKind::SignIn), Ending::Unanswered)]);
    assert!(!walked.trust_doubtful);
}
