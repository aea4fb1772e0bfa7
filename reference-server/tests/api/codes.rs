//! Which code is right, and for how long.

use reference_server::ports::Recipient;
use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

#[tokio::test]
async fn a_code_lives_until_its_end_and_not_a_moment_longer() {
    for (seconds, status) in [(299, 201), (300, 401), (301, 401)] {
        let world = World::new().await;
        world.create(OWNER).await;
        let mut phone = Phone::new("a");
        world.sign_in(&mut phone, OWNER, PASSWORD).await;
        let code = world.code(&phone);
        world.pass(seconds);
        assert_eq!(world.verify(&mut phone, &code).await.status, status, "{seconds}");
    }
}

#[tokio::test]
async fn no_resend_moves_the_end_of_the_challenge() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    for _ in 0..3 {
        world.pass(250);
        assert_eq!(world.resend(&phone).await.status, 200);
    }
    world.pass(149);
    assert_eq!(
        world.ask(&phone, "GET", "/v1/challenge", &phone.handle, None).await.status,
        200
    );
    let code = world.code(&phone);
    world.pass(1);
    assert_eq!(world.resend(&phone).await.is(), (401, "challenge-not-live"));
    assert_eq!(world.verify(&mut phone, &code).await.is(), (401, "challenge-not-live"));
}

#[tokio::test]
async fn a_code_is_accepted_once_and_for_its_own_challenge() {
    let world = World::new().await;
    world.create(OWNER).await;
    let (mut a, mut b) = (Phone::new("a"), Phone::new("b"));
    world.sign_in(&mut a, OWNER, PASSWORD).await;
    world.sign_in(&mut b, OWNER, PASSWORD).await;
    let (code_a, code_b) = (world.code(&a), world.code(&b));
    if code_a != code_b {
        assert_eq!(world.verify(&mut b, &code_a).await.is(), (401, "code-rejected"));
    }
    assert_eq!(world.verify(&mut a, &code_a).await.status, 201);
    assert_eq!(world.verify(&mut a, &code_a).await.is(), (401, "challenge-not-live"));
    assert_eq!(world.verify(&mut b, &code_b).await.status, 201);
}

#[tokio::test]
async fn a_resend_waits_for_the_cool_down_and_voids_the_code_before() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let first = world.code(&phone);
    world.pass(29);
    let early = world.resend(&phone).await;
    assert_eq!((early.is(), early.retry_after), ((429, "send-too-soon"), Some(1)));
    assert_eq!(world.codes(&phone).len(), 1);
    world.pass(1);
    assert_eq!(world.resend(&phone).await.status, 200);
    let second = world.code(&phone);
    if first != second {
        assert_eq!(world.verify(&mut phone, &first).await.is(), (401, "code-rejected"));
    }
    for _ in 0..3 {
        world.pass(30);
        assert_eq!(world.resend(&phone).await.status, 200);
    }
    world.pass(30);
    assert_eq!(world.resend(&phone).await.is(), (429, "send-limit"));
    let newest = world.code(&phone);
    assert_eq!(world.verify(&mut phone, &newest).await.status, 201);
}

#[tokio::test]
async fn a_switch_voids_the_push_code_and_keeps_the_attempts() {
    let world = World::new().await;
    world.create(OWNER).await;
    world.trusted(Phone::new("first").with_push(), OWNER).await;
    let mut phone = Phone::new("second");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let pushed = world.code(&phone);
    for _ in 0..3 {
        let answer = world.verify(&mut phone, &World::wrong(&pushed)).await;
        assert_eq!(answer.is(), (401, "code-rejected"));
    }
    world.pass(30);
    let switched = world.by_email(&phone).await;
    assert_eq!(
        (switched.status, switched.text("/challenge/method")),
        (200, "email".to_owned())
    );
    assert_eq!(switched.body["challenge"]["attempts_left"], json!(2));
    let mailed = world.code(&phone);
    assert_eq!(world.codes(&phone).last().unwrap().0, Recipient::Email(OWNER.to_owned()));
    if pushed != mailed {
        assert_eq!(world.verify(&mut phone, &pushed).await.is(), (401, "code-rejected"));
    }
    assert_eq!(world.verify(&mut phone, &mailed).await.status, 201);
}

#[tokio::test]
async fn a_method_that_is_off_is_refused() {
    let world = World::with(|config| config.methods = vec![reference_server::account::Method::Email]).await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    let opened = world.sign_in(&mut phone, OWNER, PASSWORD).await;
    assert_eq!(opened.body["challenge"]["methods"], json!(["email"]));
    world.pass(30);
    let push = json!({"method": "push"});
    let answer = world
        .ask(&phone, "POST", "/v1/challenge/method", &phone.handle, Some(push))
        .await;
    assert_eq!(answer.is(), (409, "method-unavailable"));
}

#[tokio::test]
async fn the_device_that_asks_is_never_told_the_code() {
    let world = World::new().await;
    world.create(OWNER).await;
    let lost_its_trust = world.trusted(Phone::new("only").with_push(), OWNER).await;
    let mut again = Phone {
        trust: None,
        ..lost_its_trust
    };
    let opened = world.sign_in(&mut again, OWNER, PASSWORD).await;
    assert_eq!(opened.text("/challenge/method"), "email");
}

#[tokio::test]
async fn a_clock_that_goes_back_revives_nothing() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let code = world.code(&phone);
    world.pass(301);
    assert_eq!(world.verify(&mut phone, &code).await.is(), (401, "code-rejected"));
    world.pass(-3600);
    assert_eq!(world.verify(&mut phone, &code).await.is(), (401, "code-rejected"));
}
