//! Whose address counts, and that its limit holds however many guesses arrive together.

use std::net::IpAddr;

use futures_util::future::join_all;
use reference_server::service::{Problem, SignIn};

use super::world::{PASSWORD, Phone, World, attempt};

const SOURCE: &str = "198.51.100.7";

/// All at once from one address: every one has begun before the first is judged. How many were judged, let in and refused.
async fn together(world: &World, attempts: impl Iterator<Item = SignIn>) -> (usize, usize, usize) {
    let source: IpAddr = SOURCE.parse().unwrap();
    let answers = join_all(attempts.map(|attempt| world.service.sign_in(source, attempt))).await;
    let count = |which: fn(&Problem) -> bool| {
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .filter(|p| which(p))
            .count()
    };
    (
        count(|problem| *problem == Problem::InvalidCredentials),
        answers.iter().filter(|answer| answer.is_ok()).count(),
        count(|problem| matches!(problem, Problem::RateLimited(_))),
    )
}

#[tokio::test]
async fn guesses_that_arrive_together_are_judged_no_further_than_the_limit_of_their_address() {
    let world = World::new().await;
    let guesses = (0..200).map(|nth| attempt(format!("nobody-{nth}@x.test"), "spring rain", None));
    assert_eq!(together(&world, guesses).await, (30, 0, 170));
}

#[tokio::test]
async fn right_passwords_that_arrive_together_take_nothing_of_it() {
    let world = World::new().await;
    for nth in 0..40 {
        world.create(&format!("owner-{nth}@x.test")).await;
    }
    let wrong = |from: usize, to: usize| (from..to).map(|nth| attempt(format!("nobody-{nth}@x.test"), "spring rain", None));
    assert_eq!(together(&world, wrong(0, 29)).await, (29, 0, 0));
    let right = (0..40).map(|nth| attempt(format!("owner-{nth}@x.test"), PASSWORD, None));
    assert_eq!(
        together(&world, right).await,
        (0, 40, 0),
        "one place is left, and each gives it back"
    );
    assert_eq!(together(&world, wrong(29, 40)).await, (1, 0, 10));
}

#[tokio::test]
async fn trust_that_ends_while_it_waits_opens_no_second_budget() {
    let world = World::new().await;
    world.create("owner@x.test").await;
    let phone = world.trusted(Phone::new("phone"), "owner@x.test").await;
    let guess = |password: &'static str| SignIn {
        trust_token: phone.trust.clone(),
        ..attempt("owner@x.test".to_owned(), password, None)
    };
    // The first uses the credential up; the rest come with what is a stranger's by then, beside strangers.
    let mut attempts = vec![guess(PASSWORD)];
    for nth in 0..30 {
        attempts.push(guess("spring rain"));
        attempts.push(SignIn {
            installation: format!("stranger-{nth}"),
            ..attempt("owner@x.test".to_owned(), "spring rain", None)
        });
    }
    assert_eq!(together(&world, attempts.into_iter()).await, (10, 1, 50));
}

#[tokio::test]
async fn what_a_proxy_could_not_name_is_the_proxys_own_doing() {
    for last in ["unknown", "", "198.51.100.7:99999", "[198.51.100.7", "_hidden", "\u{e9}"] {
        let world = World::with(|config| config.source_wrong_limit = 3).await;
        let mut answers = Vec::new();
        for nth in 0..4 {
            let mut phone = Phone::new("sprayer").at(&format!("203.0.113.{nth}, {last}"));
            let answer = world.sign_in(&mut phone, &format!("user-{nth}@x.test"), "spring rain").await;
            answers.push(answer.status);
        }
        assert_eq!(answers, [401, 401, 401, 429], "{last:?}");
    }
}

#[tokio::test]
async fn an_address_counts_however_a_proxy_spells_it() {
    let world = World::with(|config| config.source_wrong_limit = 3).await;
    let spellings = [
        "[2001:db8::1]:4711",
        "\"[2001:db8::2]\"",
        " 2001:db8::3 ",
        "\"[2001:db8::4]:80\"",
    ];
    let mut answers = Vec::new();
    for (nth, last) in spellings.into_iter().enumerate() {
        let mut phone = Phone::new("sprayer").at(&format!("203.0.113.{nth}, {last}"));
        answers.push(
            world
                .sign_in(&mut phone, &format!("user-{nth}@x.test"), "spring rain")
                .await
                .status,
        );
    }
    assert_eq!(answers, [401, 401, 401, 429], "they are of one network");
    let mut other = Phone::new("other").at("203.0.113.1, 198.51.100.9:4711");
    assert_eq!(world.sign_in(&mut other, "user-9@x.test", "spring rain").await.status, 401);
}
