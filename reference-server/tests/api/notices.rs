//! What the owner is told, and where.

use reference_server::parts::{Message, MessageContent, Recipient};
use serde_json::json;

use super::world::{OWNER, PASSWORD, Phone, World};

fn noticed(messages: &[Message], subject: &str) -> Vec<Recipient> {
    let told = messages.iter().filter(|message| match &message.content {
        MessageContent::Notice { subject: told, .. } => told.contains(subject),
        _ => false,
    });
    let mut told: Vec<Recipient> = told.map(|message| message.to.clone()).collect();
    told.sort_by_key(|to| format!("{to:?}"));
    told
}

impl World {
    /// Everybody who is told, once so many are.
    async fn told(&self, subject: &str, times: usize) -> Vec<Recipient> {
        self.eventually(|messages| Some(noticed(messages, subject)).filter(|told| told.len() >= times))
            .await
    }
}

fn mail() -> Recipient {
    Recipient::Email(OWNER.to_owned())
}

fn push(name: &str) -> Recipient {
    Recipient::Push(format!("push-of-{name}"))
}

#[tokio::test]
async fn a_new_device_is_announced_to_everybody_else() {
    let world = World::new().await;
    world.create(OWNER).await;
    world.trusted(Phone::new("first").with_push(), OWNER).await;
    assert_eq!(world.told("new device", 1).await, [mail()]);
    world.trusted(Phone::new("second").with_push(), OWNER).await;
    assert_eq!(world.told("new device", 3).await, [mail(), mail(), push("first")]);
}

#[tokio::test]
async fn changes_are_announced_by_mail_and_on_the_other_devices() {
    let world = World::new().await;
    world.create(OWNER).await;
    let first = world.trusted(Phone::new("first").with_push(), OWNER).await;
    let second = world.trusted(Phone::new("second").with_push(), OWNER).await;
    let third = world.trusted(Phone::new("third").with_push(), OWNER).await;
    let off = json!({"enabled": false, "password": PASSWORD});
    world.call(&first, "PUT", "/v1/two-step", Some(off)).await;
    assert_eq!(
        world.told("verification is off", 3).await,
        [mail(), push("second"), push("third")]
    );
    world
        .call(&first, "PUT", "/v1/two-step", Some(json!({"enabled": true})))
        .await;
    assert_eq!(world.told("verification is on", 3).await.len(), 3);
    world
        .call(&second, "DELETE", &format!("/v1/devices/{}", third.id), None)
        .await;
    assert_eq!(world.told("device removed", 3).await, [mail(), push("first"), push("second")]);
    let change = json!({"current_password": PASSWORD, "new_password": "another long walk"});
    world.call(&first, "PUT", "/v1/account/password", Some(change)).await;
    assert_eq!(world.told("password changed", 2).await, [mail(), push("second")]);
    world.create(OWNER).await;
    assert!(world.told("already have an account", 1).await.contains(&mail()));
}

#[tokio::test]
async fn a_sign_in_left_alone_is_told_once_and_wrong_passwords_are_not() {
    let world = World::new().await;
    world.create(OWNER).await;
    for nth in 0..5 {
        world
            .sign_in(&mut Phone::new("x").at(&format!("198.51.100.{nth}")), OWNER, "wrong one")
            .await;
    }
    let (mut a, mut b, mut c) = (Phone::new("a"), Phone::new("b"), Phone::new("c"));
    world.sign_in(&mut a, OWNER, PASSWORD).await;
    world.pass(10);
    world.sign_in(&mut b, OWNER, PASSWORD).await;
    world.sign_in(&mut c, OWNER, PASSWORD).await;
    let code = world.code(&c);
    assert_eq!(world.verify(&mut c, &code).await.status, 201);
    world.pass(169);
    world.service.remind().await;
    assert!(noticed(&world.messages(), "not completed").is_empty());
    world.pass(1);
    world.service.remind().await;
    assert_eq!(world.told("not completed", 1).await, [mail()]);
    world.pass(600);
    world.service.remind().await;
    assert_eq!(noticed(&world.messages(), "not completed").len(), 1);
    let activity = world.call(&c, "GET", "/v1/activity", None).await;
    let abandoned = activity.body["activity"].as_array().unwrap().iter();
    let abandoned = abandoned.filter(|row| row["outcome"] == "second-step-abandoned").count();
    assert_eq!(abandoned, 2);
}

#[tokio::test]
async fn a_copied_trust_credential_is_told() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = world.trusted(Phone::new("a"), OWNER).await;
    let mut thief = phone.clone();
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    world.sign_in(&mut thief, OWNER, PASSWORD).await;
    assert_eq!(world.told("was copied", 1).await, [mail()]);
}
