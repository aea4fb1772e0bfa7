//! The way through, from a new account to the last device.

use reference_server::ports::Recipient;
use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

#[tokio::test]
async fn from_a_new_account_to_a_second_device_and_out() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut first = Phone::new("first").with_push();
    let opened = world.sign_in(&mut first, OWNER, PASSWORD).await;
    assert_eq!((opened.status, opened.text("/challenge/method")), (202, "email".to_owned()));
    assert_eq!(world.codes(&first).len(), 1);
    assert_eq!(world.codes(&first)[0].0, Recipient::Email(OWNER.to_owned()));
    assert_eq!(
        world.ask(&first, "GET", "/v1/challenge", &first.handle, None).await.status,
        200
    );
    let code = world.code(&first);
    let granted = world.verify(&mut first, &code).await;
    assert_eq!((granted.status, &granted.body["device"]["trusted"]), (201, &json!(true)));

    let mut second = Phone::new("second").with_push();
    let opened = world.sign_in(&mut second, OWNER, PASSWORD).await;
    assert_eq!(opened.text("/challenge/method"), "push");
    assert_eq!(
        world.codes(&second),
        vec![(Recipient::Push("push-of-first".to_owned()), world.code(&second))]
    );
    let listed = world.call(&first, "GET", "/v1/challenges", None).await;
    assert_eq!(listed.text("/challenges/0/device_name"), "second");
    let code = world.code(&second);
    assert_eq!(world.verify(&mut second, &code).await.status, 201);

    let me = world.call(&second, "GET", "/v1/session", None).await;
    assert_eq!(
        (me.text("/account/email"), me.text("/device/name")),
        (OWNER.to_owned(), "second".to_owned())
    );
    let devices = world.call(&second, "GET", "/v1/devices", None).await;
    assert_eq!(devices.body["devices"].as_array().unwrap().len(), 2);
    let renamed = world
        .call(
            &second,
            "PATCH",
            &format!("/v1/devices/{}", first.id),
            Some(json!({"name": "kitchen"})),
        )
        .await;
    assert_eq!(renamed.text("/name"), "kitchen");
    let renewal = json!({"refresh_token": second.refresh});
    let renewed = world.ask(&second, "POST", "/v1/session/refresh", "", Some(renewal)).await;
    assert_eq!(renewed.status, 200);
    second.access = renewed.text("/session/access_token");
    assert_eq!(world.call(&second, "DELETE", "/v1/session", None).await.status, 204);
    assert_eq!(
        world.call(&second, "GET", "/v1/session", None).await.is(),
        (401, "session-not-live")
    );
    assert_eq!(
        world.sign_in(&mut second, OWNER, PASSWORD).await.status,
        201,
        "trusted: no code"
    );

    let activity = world.call(&second, "GET", "/v1/activity", None).await;
    let outcomes: Vec<&str> = activity.body["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["signed-in", "signed-out", "device-renamed", "signed-in", "signed-in"]
    );
    assert_eq!(activity.text("/activity/0/method"), "trust");
}

#[tokio::test]
async fn the_gate_stands_after_the_password_and_while_the_setting_is_on() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut old = Phone::new("old");
    old.version = "2.2.9";
    assert_eq!(
        world.sign_in(&mut old, OWNER, "not this one").await.is(),
        (401, "invalid-credentials")
    );
    let refused = world.sign_in(&mut old, OWNER, PASSWORD).await;
    assert_eq!(refused.is(), (403, "update-required"));
    assert_eq!(refused.text("/minimum_version"), "2.3.0");
    assert!(world.messages().is_empty());

    let phone = world.trusted(Phone::new("new"), OWNER).await;
    let off = json!({"enabled": false, "password": PASSWORD});
    assert_eq!(world.call(&phone, "PUT", "/v1/two-step", Some(off)).await.status, 200);
    let opened = world.sign_in(&mut old, OWNER, PASSWORD).await;
    assert_eq!((opened.status, &opened.body["device"]["trusted"]), (201, &json!(false)));
}

#[tokio::test]
async fn a_pending_handle_opens_nothing_else() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("pending");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    for (method, path) in [
        ("GET", "/v1/session"),
        ("DELETE", "/v1/session"),
        ("GET", "/v1/devices"),
        ("GET", "/v1/challenges"),
        ("GET", "/v1/activity"),
        ("GET", "/v1/two-step"),
        ("DELETE", "/v1/devices/dev_x"),
        ("DELETE", "/v1/devices/current/push"),
    ] {
        let answer = world.ask(&phone, method, path, &phone.handle, None).await;
        assert_eq!(answer.is(), (401, "session-not-live"), "{method} {path}");
    }
    let renewal = json!({"refresh_token": phone.handle});
    let answer = world.ask(&phone, "POST", "/v1/session/refresh", "", Some(renewal)).await;
    assert_eq!(answer.is(), (401, "session-not-live"));
    assert_eq!(
        world.ask(&phone, "DELETE", "/v1/challenge", &phone.handle, None).await.status,
        204
    );
    let ended = world.ask(&phone, "GET", "/v1/challenge", &phone.handle, None).await;
    let unknown = world.ask(&phone, "GET", "/v1/challenge", "ch_nobody", None).await;
    assert_eq!(ended, unknown);
}
