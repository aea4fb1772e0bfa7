//! Trust, and its end.

use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn trust_is_a_secret_of_one_account_and_no_claim() {
    let world = World::new().await;
    world.create(OWNER).await;
    world.create("other@x.test").await;
    let phone = world.trusted(Phone::new("shared"), OWNER).await;
    let mut copy = Phone {
        trust: None,
        ..phone.clone()
    };
    assert_eq!(
        world.sign_in(&mut copy, OWNER, PASSWORD).await.status,
        202,
        "everything but the secret"
    );
    assert_eq!(
        world.sign_in(&mut phone.clone(), "other@x.test", PASSWORD).await.status,
        202,
        "another account's"
    );
    assert_eq!(
        world.sign_in(&mut phone.clone(), OWNER, "wrong one").await.status,
        401,
        "no password"
    );
    let mut confused = Phone {
        trust: Some(phone.refresh.clone()),
        ..Phone::new("confused")
    };
    assert_eq!(
        world.sign_in(&mut confused, OWNER, PASSWORD).await.status,
        202,
        "another kind of credential"
    );
}

#[tokio::test]
async fn a_replaced_trust_credential_ends_the_trust_it_belonged_to() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = world.trusted(Phone::new("a"), OWNER).await;
    let mut thief = phone.clone();
    assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 201);
    assert_ne!(phone.trust, thief.trust);
    assert_eq!(world.sign_in(&mut thief, OWNER, PASSWORD).await.status, 202);
    assert_eq!(
        world.call(&phone, "GET", "/v1/session", None).await.is(),
        (401, "session-not-live")
    );
    phone.name.push_str("-again");
    assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 202);
}

#[tokio::test]
async fn trust_lapses_unused_and_at_last() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = world.trusted(Phone::new("a"), OWNER).await;
    for _ in 0..3 {
        world.pass(29 * DAY);
        assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 201);
    }
    world.pass(3 * DAY);
    assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 202, "ninety days");
    let mut idle = world.trusted(Phone::new("b"), OWNER).await;
    world.pass(30 * DAY);
    assert_eq!(
        world.sign_in(&mut idle, OWNER, PASSWORD).await.status,
        202,
        "thirty days unused"
    );
}

#[tokio::test]
async fn a_removed_device_is_out_at_once_and_no_other_is() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut gone = world.trusted(Phone::new("gone"), OWNER).await;
    let kept = world.trusted(Phone::new("kept"), OWNER).await;
    for id in [gone.id.as_str(), gone.id.as_str(), "dev_unknown", "..%2f", "%00"] {
        let answer = world.call(&kept, "DELETE", &format!("/v1/devices/{id}"), None).await;
        assert_eq!(answer.status, 204, "{id}");
    }
    assert_eq!(
        world.call(&gone, "GET", "/v1/session", None).await.is(),
        (401, "session-not-live")
    );
    let renewal = json!({"refresh_token": gone.refresh});
    let renewed = world.ask(&gone, "POST", "/v1/session/refresh", "", Some(renewal)).await;
    assert_eq!(renewed.is(), (401, "session-not-live"));
    assert_eq!(world.sign_in(&mut gone, OWNER, PASSWORD).await.status, 202);
    assert_eq!(world.call(&kept, "GET", "/v1/session", None).await.status, 200);
    let itself = world.call(&kept, "DELETE", &format!("/v1/devices/{}", kept.id), None).await;
    assert_eq!(itself.status, 204);
    assert_eq!(world.call(&kept, "GET", "/v1/session", None).await.status, 401);
}

#[tokio::test]
async fn another_account_cannot_remove_rename_or_deny() {
    let world = World::new().await;
    world.create(OWNER).await;
    world.create("other@x.test").await;
    let owner = world.trusted(Phone::new("a"), OWNER).await;
    let other = world.trusted(Phone::new("b"), "other@x.test").await;
    let mut pending = Phone::new("c");
    world.sign_in(&mut pending, OWNER, PASSWORD).await;
    let path = format!("/v1/devices/{}", owner.id);
    assert_eq!(world.call(&other, "DELETE", &path, None).await.status, 204);
    let renamed = world.call(&other, "PATCH", &path, Some(json!({"name": "mine"}))).await;
    assert_eq!(renamed.is(), (404, "not-found"));
    let deny = format!("/v1/challenges/{}/deny", pending.challenge);
    assert_eq!(world.call(&other, "POST", &deny, None).await.is(), (404, "not-found"));
    assert_eq!(world.call(&owner, "GET", "/v1/session", None).await.text("/device/name"), "a");
    assert_eq!(world.call(&owner, "POST", &deny, None).await.status, 204);
    let code = world.code(&pending);
    assert_eq!(world.verify(&mut pending, &code).await.is(), (401, "challenge-not-live"));
}

#[tokio::test]
async fn a_rename_changes_the_label_alone() {
    let world = World::new().await;
    world.create(OWNER).await;
    let phone = world.trusted(Phone::new("a"), OWNER).await;
    let path = format!("/v1/devices/{}", phone.id);
    let more = world
        .call(&phone, "PATCH", &path, Some(json!({"name": "b", "trusted": false})))
        .await;
    assert_eq!(more.is(), (400, "invalid-request"));
    let row = world.call(&phone, "PATCH", &path, Some(json!({"name": "b"}))).await;
    assert_eq!((row.text("/name"), &row.body["trusted"]), ("b".to_owned(), &json!(true)));
}

#[tokio::test]
async fn a_replayed_refresh_credential_ends_the_session() {
    let world = World::new().await;
    world.create(OWNER).await;
    let phone = world.trusted(Phone::new("a"), OWNER).await;
    let renew = async |token: &str| {
        let body = json!({"refresh_token": token});
        world.ask(&phone, "POST", "/v1/session/refresh", "", Some(body)).await
    };
    let renewed = renew(&phone.refresh).await;
    assert_eq!(renewed.status, 200);
    assert_eq!(world.call(&phone, "GET", "/v1/session", None).await.status, 401, "replaced");
    assert_eq!(renew(&phone.refresh).await.is(), (401, "session-not-live"));
    assert_eq!(
        renew(&renewed.text("/session/refresh_token")).await.is(),
        (401, "session-not-live")
    );
}

#[tokio::test]
async fn a_session_ends_whatever_is_renewed() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = world.trusted(Phone::new("a"), OWNER).await;
    world.pass(900);
    assert_eq!(
        world.call(&phone, "GET", "/v1/session", None).await.status,
        401,
        "fifteen minutes"
    );
    for day in 0..31 {
        world.pass(DAY);
        let body = json!({"refresh_token": phone.refresh});
        let renewed = world.ask(&phone, "POST", "/v1/session/refresh", "", Some(body)).await;
        assert_eq!(renewed.status, if day < 29 { 200 } else { 401 }, "{day}");
        if renewed.status == 200 {
            phone.refresh = renewed.text("/session/refresh_token");
        }
    }
}
