//! What attackers do: none of them gets in.

use loadtest::history::Presented::Guess;
use loadtest::history::{Act, Seen};
use loadtest::measure::Ending;
use loadtest::plan::scenario::{DeviceKind, Journey, Party};
use reference_server::Settings;
use targets::Refusal;

use crate::people::{SIGN_IN, cooling};
use crate::world::{World, party};

fn attack(journey: Journey, tries: u32) -> Party {
    Party {
        tries,
        ..party(journey, DeviceKind::New)
    }
}

#[tokio::test]
async fn leaked_passwords_open_nothing() {
    let world = World::start(Settings {
        source_wrong_limit: 10_000,
        ..cooling(30)
    })
    .await;
    let wrong = Act::SignIn {
        password: false,
        app: true,
    };
    let mut known = 0;
    for account in 0..200 {
        let (walked, book) = world
            .walk(&world.stranger(account), &attack(Journey::StuffPasswords, 2))
            .await;
        assert_eq!((walked.ending, walked.entered), (Ending::Completed, false));
        for (_, act, seen) in book.history() {
            match seen {
                Seen::Challenged(0) => assert_eq!(act, SIGN_IN),
                seen => assert_eq!((act, seen), (wrong, Seen::Refused(Refusal::Credentials))),
            }
        }
        known += book.history().iter().filter(|(_, act, _)| *act == SIGN_IN).count();
    }
    assert!(
        (1..=15).contains(&known),
        "about 2 in 100 are in the list, {known} of 200 were"
    );
}

#[tokio::test]
async fn guesses_use_up_one_challenge_after_the_other() {
    let world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    let (walked, book) = world.walk(&owner, &attack(Journey::GuessCodes, 7)).await;
    assert_eq!((walked.ending, walked.entered), (Ending::Completed, false));
    let guess = |challenge, reason| {
        let act = Act::Verify { challenge, code: Guess };
        (1, act, Seen::Refused(reason))
    };
    let mut history = vec![(1, SIGN_IN, Seen::Challenged(0))];
    history.extend(vec![guess(0, Refusal::Code); 5]);
    history.push(guess(0, Refusal::Challenge));
    history.push((1, SIGN_IN, Seen::Challenged(1)));
    history.push(guess(1, Refusal::Code));
    assert_eq!(book.history(), history);
    assert!(!walked.used_second_step);
}

#[tokio::test]
async fn codes_cannot_be_asked_for_over_and_over() {
    let world = World::start(cooling(30)).await;
    let owner = world.owner(1).await;
    let (walked, book) = world.walk(&owner, &attack(Journey::HammerResend, 4)).await;
    assert_eq!((walked.ending, walked.entered), (Ending::Limited, false));
    assert!(walked.retry_after.is_some_and(|time| !time.is_zero()));
    let (resend, switch) = (Act::Resend { challenge: 0 }, Act::Switch { challenge: 0 });
    let history = [resend, switch, resend, switch].map(|act| (1, act, Seen::Limited));
    assert_eq!(book.history()[0], (1, SIGN_IN, Seen::Challenged(0)));
    assert_eq!(book.history()[1..], history);
}
