//! The setting, the password, and what ends with them.

use reference_server::account::Status;
use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

const NEW: &str = "another long walk";

#[tokio::test]
async fn switching_off_asks_for_the_password_and_switching_on_ends_what_came_in_between() {
    let world = World::new().await;
    world.create(OWNER).await;
    let owner = world.trusted(Phone::new("owner"), OWNER).await;
    let put = async |body| world.call(&owner, "PUT", "/v1/two-step", Some(body)).await;
    assert_eq!(put(json!({"enabled": false})).await.is(), (403, "reauthentication-required"));
    let wrong = put(json!({"enabled": false, "password": "wrong one"})).await;
    assert_eq!(wrong.is(), (401, "invalid-credentials"));
    let proof = json!({"password": PASSWORD});
    let proved = world.call(&owner, "POST", "/v1/session/reauthenticate", Some(proof)).await;
    assert_eq!(proved.status, 204);
    world.pass(300);
    assert_eq!(
        put(json!({"enabled": false})).await.is(),
        (403, "reauthentication-required"),
        "stale"
    );
    let mut pending = Phone::new("pending");
    world.sign_in(&mut pending, OWNER, PASSWORD).await;
    assert_eq!(put(json!({"enabled": false, "password": PASSWORD})).await.status, 200);
    let code = world.code(&pending);
    assert_eq!(world.verify(&mut pending, &code).await.is(), (401, "challenge-not-live"));

    let mut meanwhile = Phone::new("meanwhile");
    assert_eq!(world.sign_in(&mut meanwhile, OWNER, PASSWORD).await.status, 201);
    assert_eq!(meanwhile.trust, None);
    assert_eq!(put(json!({"enabled": true})).await.status, 200);
    assert_eq!(world.call(&meanwhile, "GET", "/v1/session", None).await.status, 401);
    assert_eq!(world.sign_in(&mut meanwhile, OWNER, PASSWORD).await.status, 202);
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.status, 200);
    assert_eq!(world.sign_in(&mut owner.clone(), OWNER, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn a_new_password_leaves_only_the_device_that_chose_it() {
    let world = World::new().await;
    world.create(OWNER).await;
    let owner = world.trusted(Phone::new("owner"), OWNER).await;
    let mut other = world.trusted(Phone::new("other"), OWNER).await;
    let mut pending = Phone::new("pending");
    world.sign_in(&mut pending, OWNER, PASSWORD).await;
    world
        .ask(&owner, "POST", "/v1/password-resets", "", Some(json!({"email": OWNER})))
        .await;
    let reset = world.reset_token(OWNER, 0).await;
    let change = async |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        world.call(&owner, "PUT", "/v1/account/password", Some(body)).await
    };
    assert_eq!(change("wrong one", NEW).await.is(), (401, "invalid-credentials"));
    for weak in ["short", "password1", "Owner123"] {
        assert_eq!(change(PASSWORD, weak).await.is(), (422, "password-unacceptable"), "{weak}");
    }
    assert_eq!(change(PASSWORD, NEW).await.status, 204);
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.status, 200);
    assert_eq!(world.call(&other, "GET", "/v1/session", None).await.status, 401);
    assert_eq!(world.sign_in(&mut other, OWNER, NEW).await.status, 202, "its trust is gone");
    let code = world.code(&pending);
    assert_eq!(world.verify(&mut pending, &code).await.is(), (401, "challenge-not-live"));
    assert_eq!(world.sign_in(&mut owner.clone(), OWNER, NEW).await.status, 201);
    let body = json!({"token": reset, "new_password": "yet another walk"});
    let late = world
        .ask(&owner, "POST", "/v1/password-resets/complete", "", Some(body))
        .await;
    assert_eq!(late.is(), (401, "reset-not-live"));
}

#[tokio::test]
async fn a_reset_is_used_once_and_signs_nobody_in() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner").with_push(), OWNER).await;
    let request = async |email: &str| {
        let body = json!({"email": email});
        world.ask(&owner, "POST", "/v1/password-resets", "", Some(body)).await
    };
    assert_eq!(request(OWNER).await, request("nobody@x.test").await);
    let first = world.reset_token(OWNER, 0).await;
    request(OWNER).await;
    let second = world.reset_token(OWNER, 1).await;
    let complete = async |token: &str, new: &str| {
        let body = json!({"token": token, "new_password": new});
        world
            .ask(&Phone::new("browser"), "POST", "/v1/password-resets/complete", "", Some(body))
            .await
    };
    assert_eq!(
        complete(&first, NEW).await.is(),
        (401, "reset-not-live"),
        "a newer one was asked for"
    );
    assert_eq!(complete(&second, "password").await.is(), (422, "password-unacceptable"));
    assert_eq!(complete(&second, NEW).await.status, 204);
    assert_eq!(complete(&second, NEW).await.is(), (401, "reset-not-live"));
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.status, 401);
    assert_eq!(world.sign_in(&mut Phone::new("new"), OWNER, NEW).await.status, 202);
    assert_eq!(world.sign_in(&mut owner, OWNER, NEW).await.status, 201, "trust stays");
}

#[tokio::test]
async fn after_a_reset_email_can_be_made_to_rest() {
    let world = World::with(|config| config.reset_push_only_s = 3600).await;
    world.create(OWNER).await;
    let owner = world.trusted(Phone::new("owner").with_push(), OWNER).await;
    world
        .ask(&owner, "POST", "/v1/password-resets", "", Some(json!({"email": OWNER})))
        .await;
    let body = json!({"token": world.reset_token(OWNER, 0).await, "new_password": NEW});
    world
        .ask(&owner, "POST", "/v1/password-resets/complete", "", Some(body))
        .await;
    let mut new = Phone::new("new");
    let opened = world.sign_in(&mut new, OWNER, NEW).await;
    assert_eq!(opened.body["challenge"]["methods"], json!(["push"]));
    world.pass(30);
    assert_eq!(world.by_email(&new).await.is(), (409, "method-unavailable"));
    world.pass(3570);
    world.sign_in(&mut new, OWNER, NEW).await;
    world.pass(30);
    assert_eq!(world.by_email(&new).await.status, 200);
}

#[tokio::test]
async fn a_disabled_account_looks_like_a_wrong_password_and_comes_back_empty() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner"), OWNER).await;
    assert!(world.service.set_status(OWNER, Status::Disabled).await.unwrap());
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.status, 401);
    let refused = world.sign_in(&mut owner, OWNER, PASSWORD).await;
    assert_eq!(refused, world.sign_in(&mut Phone::new("x"), "nobody@x.test", PASSWORD).await);
    assert!(world.service.set_status(OWNER, Status::Active).await.unwrap());
    assert_eq!(world.sign_in(&mut owner, OWNER, PASSWORD).await.status, 202);
}

#[tokio::test]
async fn an_account_is_asked_for_in_private() {
    let world = World::new().await;
    world.create(OWNER).await;
    world.create(OWNER).await;
    for (email, password, status) in [
        ("no address", PASSWORD, 400),
        ("a@x.test", "seven77", 422),
        ("a@x.test", "12345678", 422),
        ("a@x.test", "eight ok", 202),
    ] {
        let body = json!({"email": email, "password": password});
        let answer = world.ask(&Phone::new("x"), "POST", "/v1/accounts", "", Some(body)).await;
        assert_eq!(answer.status, status, "{email} {password}");
    }
}
