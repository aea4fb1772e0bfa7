//! How often anybody may try, and that the owner gets in all the while.

use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

#[tokio::test]
async fn a_spent_challenge_refuses_the_right_code_too() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let code = world.code(&phone);
    for _ in 0..5 {
        assert_eq!(
            world.verify(&mut phone, &World::wrong(&code)).await.is(),
            (401, "code-rejected")
        );
    }
    let right = world.verify(&mut phone, &code).await;
    assert_eq!(right.is(), (401, "challenge-not-live"));
    assert_eq!(right, world.verify(&mut phone, &World::wrong(&code)).await);
}

/// Spends the guesses of one challenge after the other, from a new device and address each time.
async fn guess(world: &World, times: usize) {
    let mut phone = Phone::new("guesser");
    for nth in 0..times {
        if nth % 4 == 0 {
            phone = Phone::new(&format!("guesser-{nth}")).at(&format!("198.51.100.{}", nth % 250));
            assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 202, "{nth}");
        }
        let code = world.code(&phone);
        assert_eq!(
            world.verify(&mut phone, &World::wrong(&code)).await.is(),
            (401, "code-rejected"),
            "{nth}"
        );
    }
}

#[tokio::test]
async fn the_account_locks_whatever_the_challenge_and_only_for_a_time() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner"), OWNER).await;
    guess(&world, 10).await;
    let mut late = Phone::new("late").at("203.0.113.7");
    world.sign_in(&mut late, OWNER, PASSWORD).await;
    let code = world.code(&late);
    let locked = world.verify(&mut late, &code).await;
    assert_eq!((locked.is(), locked.retry_after), ((429, "too-many-attempts"), Some(900)));
    assert_eq!(locked, world.verify(&mut late, &World::wrong(&code)).await);
    assert_eq!(
        world.sign_in(&mut owner, OWNER, PASSWORD).await.status,
        201,
        "trusted devices are not bound"
    );
    world.pass(899);
    assert_eq!(world.resend(&late).await.status, 200);
    let code = world.code(&late);
    assert_eq!(world.verify(&mut late, &code).await.retry_after, Some(1));
    let mut fresh = Phone::new("fresh").at("203.0.113.8");
    world.sign_in(&mut fresh, OWNER, PASSWORD).await;
    let code = world.code(&fresh);
    world.pass(1);
    assert_eq!(world.verify(&mut fresh, &code).await.status, 201);
}

#[tokio::test]
async fn after_a_hundred_in_a_row_only_the_owner_turns_codes_on_again() {
    let world = World::with(|config| {
        config.account_wrong_limit = 1000;
        config.account_consecutive_max = 12;
        config.live_challenges = 100;
        config.sends_per_account_day = 100;
    })
    .await;
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner"), OWNER).await;
    guess(&world, 12).await;
    world.pass(10 * 24 * 3600);
    let mut late = Phone::new("late").at("203.0.113.7");
    world.sign_in(&mut late, OWNER, PASSWORD).await;
    let code = world.code(&late);
    assert_eq!(world.verify(&mut late, &code).await.is(), (429, "too-many-attempts"));
    assert_eq!(world.sign_in(&mut owner, OWNER, PASSWORD).await.status, 201);
    let change = json!({"current_password": PASSWORD, "new_password": "another long walk"});
    assert_eq!(
        world.call(&owner, "PUT", "/v1/account/password", Some(change)).await.status,
        204
    );
    let mut after = Phone::new("after").at("203.0.113.9");
    world.sign_in(&mut after, OWNER, "another long walk").await;
    let code = world.code(&after);
    assert_eq!(world.verify(&mut after, &code).await.status, 201);
}

#[tokio::test]
async fn wrong_passwords_are_limited_alike_for_names_that_nobody_has() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner"), OWNER).await;
    let mut seen = Vec::new();
    for name in [OWNER, "nobody@x.test", "no address"] {
        let mut answers = Vec::new();
        for nth in 0..12 {
            let spelled = if nth % 2 == 0 { name.to_owned() } else { name.to_uppercase() };
            let mut phone = Phone::new("guesser").at(&format!("198.51.100.{nth}"));
            answers.push(world.sign_in(&mut phone, &spelled, "not the password").await);
        }
        seen.push(answers);
    }
    assert_eq!(seen[0][9].is(), (401, "invalid-credentials"));
    assert_eq!(
        (seen[0][10].is(), seen[0][10].retry_after),
        ((429, "too-many-attempts"), Some(3600))
    );
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert_eq!(
        world.sign_in(&mut owner, OWNER, PASSWORD).await.status,
        201,
        "trusted devices are counted apart"
    );
    assert_eq!(world.sign_in(&mut Phone::new("new"), OWNER, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_burst_of_passwords_is_judged_no_further_than_the_limit() {
    let world = World::new().await;
    world.create(OWNER).await;
    let attempts = (0..40).map(async |nth| {
        let mut phone = Phone::new("guesser").at(&format!("198.51.100.{nth}"));
        world.sign_in(&mut phone, OWNER, "not the password").await.status
    });
    let statuses = futures_util::future::join_all(attempts).await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
}

#[tokio::test]
async fn an_address_is_limited_over_all_accounts_and_cannot_be_chosen() {
    let world = World::new().await;
    for nth in 0..30 {
        let mut phone = Phone::new("sprayer").at(&format!("203.0.113.{nth}, 198.51.100.7"));
        let answer = world.sign_in(&mut phone, &format!("user-{nth}@x.test"), "spring rain").await;
        assert_eq!(answer.status, 401, "{nth}");
    }
    let mut phone = Phone::new("sprayer").at("203.0.113.99, 198.51.100.7");
    let limited = world.sign_in(&mut phone, "user-99@x.test", "spring rain").await;
    assert_eq!((limited.is(), limited.retry_after), ((429, "too-many-attempts"), Some(600)));
    let mut other = Phone::new("sprayer").at("203.0.113.1");
    assert_eq!(world.sign_in(&mut other, "user-99@x.test", "spring rain").await.status, 401);
    world.pass(600);
    assert_eq!(world.sign_in(&mut phone, "user-99@x.test", "spring rain").await.status, 401);
}

#[tokio::test]
async fn at_the_bound_of_live_challenges_a_new_one_is_refused_and_none_is_lost() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut first = Phone::new("first");
    world.sign_in(&mut first, OWNER, PASSWORD).await;
    let code = world.code(&first);
    let again = world.sign_in(&mut first.clone(), OWNER, PASSWORD).await;
    assert_eq!(
        (again.is(), again.retry_after),
        ((429, "send-too-soon"), Some(30)),
        "tapped twice"
    );
    for nth in 1..5 {
        assert_eq!(
            world
                .sign_in(&mut Phone::new(&format!("p{nth}")), OWNER, PASSWORD)
                .await
                .status,
            202
        );
    }
    let refused = world.sign_in(&mut Phone::new("p6"), OWNER, PASSWORD).await;
    assert_eq!((refused.is(), refused.retry_after), ((429, "too-many-challenges"), Some(900)));
    assert_eq!(world.messages().len(), 5);
    assert_eq!(world.verify(&mut first, &code).await.status, 201);
}

#[tokio::test]
async fn passwords_typed_in_a_session_share_the_budget() {
    let world = World::new().await;
    world.create(OWNER).await;
    let owner = world.trusted(Phone::new("owner"), OWNER).await;
    let wrong = json!({"password": "not the password"});
    for _ in 0..10 {
        let answer = world
            .call(&owner, "POST", "/v1/session/reauthenticate", Some(wrong.clone()))
            .await;
        assert_eq!(answer.is(), (401, "invalid-credentials"));
    }
    let off = json!({"enabled": false, "password": PASSWORD});
    assert_eq!(
        world.call(&owner, "PUT", "/v1/two-step", Some(off)).await.is(),
        (429, "too-many-attempts")
    );
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.status, 200);
}

#[tokio::test]
async fn one_of_many_right_codes_wins() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let code = world.code(&phone);
    let tries = (0..20).map(async |_| world.verify(&mut phone.clone(), &code).await.status);
    let statuses = futures_util::future::join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
}
