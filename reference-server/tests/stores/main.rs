//! What the service makes of a store that fails, that says again and again that somebody was faster, or that cannot be reached.

mod trouble;
#[path = "../api/world.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod world;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reference_server::ports::{MemoryStore, MessageContent, Store};
use serde_json::{Value, json};
use trouble::{LostCounters, Trouble, Troubled};
use world::{Answer, OWNER, PASSWORD, Phone, World};

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

async fn world_over(store: &Arc<Troubled>) -> World {
    let store = Arc::clone(store);
    let world = World::composed(|_| (), move |deps| deps.store = store).await;
    world.create(OWNER).await;
    world
}

fn codes_sent(world: &World) -> usize {
    let codes = world.messages().into_iter();
    codes
        .filter(|message| matches!(message.content, MessageContent::Code { .. }))
        .count()
}

/// How often each thing happened, by the owner's own login activity.
async fn happened(world: &World, phone: &Phone, outcome: &str) -> usize {
    let activity = world.call(phone, "GET", "/v1/activity", None).await;
    let rows = activity.body["activity"].as_array().unwrap();
    rows.iter().filter(|row| row["outcome"] == outcome).count()
}

/// Asks until the store has kept it. Each time that it has not, the caller is told to come again, nothing is different, and
/// nobody has heard of anything.
struct Patient<'a> {
    world: &'a World,
    store: &'a Troubled,
    turned_away: usize,
}

impl Patient<'_> {
    async fn ask(&mut self, mut request: impl AsyncFnMut() -> Answer) -> Answer {
        loop {
            let before = (self.store.snapshot().await, self.world.messages().len());
            let answer = request().await;
            if answer.status != 503 {
                // Notices leave in the background; those of what was kept are out before the next is asked.
                tokio::time::sleep(Duration::from_millis(10)).await;
                return answer;
            }
            assert_eq!((answer.is(), answer.retry_after), ((503, "unavailable"), Some(1)));
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_eq!((self.store.snapshot().await, self.world.messages().len()), before);
            self.turned_away += 1;
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_every_third_commit_loses_nothing_and_says_so() {
    let store = Arc::new(Troubled::every(3, Trouble::Failure));
    let world = world_over(&store).await;
    let mut patient = Patient {
        world: &world,
        store: &store,
        turned_away: 0,
    };
    let (mut first, mut second) = (Phone::new("first").with_push(), Phone::new("second"));
    for phone in [&mut first, &mut second] {
        assert_eq!(
            patient.ask(async || world.sign_in(phone, OWNER, PASSWORD).await).await.status,
            202
        );
        let code = world.code(phone);
        let wrong = World::wrong(&code);
        assert_eq!(
            patient.ask(async || world.verify(phone, &wrong).await).await.is(),
            (401, "code-rejected")
        );
        world.pass(31);
        assert_eq!(patient.ask(async || world.resend(phone).await).await.status, 200);
        let code = world.code(phone);
        assert_eq!(patient.ask(async || world.verify(phone, &code).await).await.status, 201);
        world.pass(31);
    }
    assert_eq!(codes_sent(&world), 4);
    assert_eq!(happened(&world, &first, "signed-in").await, 2);
    assert_eq!(happened(&world, &first, "second-step-failed").await, 2);

    let mut again = first.clone();
    let wrong = "not the password";
    assert_eq!(
        patient.ask(async || world.sign_in(&mut again, OWNER, wrong).await).await.is(),
        (401, "invalid-credentials")
    );
    // The trust credential is replaced with the session, or neither is.
    assert_eq!(
        patient
            .ask(async || world.sign_in(&mut first, OWNER, PASSWORD).await)
            .await
            .status,
        201
    );
    assert_eq!(
        patient
            .ask(async || world.sign_in(&mut first, OWNER, PASSWORD).await)
            .await
            .status,
        201
    );
    let renewal = json!({"refresh_token": first.refresh});
    let renewed = patient
        .ask(async || {
            world
                .ask(&first, "POST", "/v1/session/refresh", "", Some(renewal.clone()))
                .await
        })
        .await;
    assert_eq!(renewed.status, 200);
    first.access = renewed.text("/session/access_token");
    let off = json!({"enabled": false, "password": PASSWORD});
    let off = patient
        .ask(async || world.call(&first, "PUT", "/v1/two-step", Some(off.clone())).await)
        .await;
    assert_eq!((off.status, &off.body["enabled"]), (200, &json!(false)));
    let new = json!({"current_password": PASSWORD, "new_password": "another long walk"});
    let changed = patient
        .ask(async || world.call(&first, "PUT", "/v1/account/password", Some(new.clone())).await)
        .await;
    assert_eq!(changed.status, 204);
    assert_eq!(world.call(&second, "GET", "/v1/session", None).await.status, 401);
    let asked = patient
        .ask(async || {
            world
                .ask(&second, "POST", "/v1/password-resets", "", Some(json!({"email": OWNER})))
                .await
        })
        .await;
    assert_eq!(asked.status, 202);
    let reset = json!({"token": world.reset_token(OWNER, 0).await, "new_password": PASSWORD});
    let completed = patient
        .ask(async || {
            world
                .ask(&second, "POST", "/v1/password-resets/complete", "", Some(reset.clone()))
                .await
        })
        .await;
    assert_eq!(completed.status, 204);
    for outcome in ["two-step-disabled", "password-changed", "password-reset"] {
        let rows = store.snapshot().await;
        let rows = rows[0]["activity"].as_array().unwrap();
        assert_eq!(rows.iter().filter(|row| row["outcome"] == outcome).count(), 1, "{outcome}");
    }
    assert!(patient.turned_away >= 5, "{}", patient.turned_away);
}

#[tokio::test]
async fn a_conflict_is_decided_again_and_counted_once() {
    let store = Arc::new(Troubled::every(2, Trouble::Conflict));
    let world = world_over(&store).await;
    let first = world.trusted(Phone::new("first").with_push(), OWNER).await;
    assert_eq!(codes_sent(&world), 1);
    world.pass(31);
    let mut second = Phone::new("second");
    assert_eq!(world.sign_in(&mut second, OWNER, PASSWORD).await.status, 202);
    assert_eq!(codes_sent(&world), 2);
    let wrong = World::wrong(&world.code(&second));
    for nth in 1..=5 {
        assert_eq!(world.verify(&mut second, &wrong).await.is(), (401, "code-rejected"), "{nth}");
    }
    let code = world.code(&second);
    assert_eq!(world.verify(&mut second, &code).await.is(), (401, "challenge-not-live"));
    assert_eq!(happened(&world, &first, "second-step-failed").await, 5);
    assert_eq!(happened(&world, &first, "signed-in").await, 1);
    assert!(store.conflicts() >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_that_meet_at_one_account_are_taken_one_after_the_other() {
    let store = Arc::new(Troubled::slow());
    let world = world_over(&store).await;
    let mut phone = Phone::new("phone");
    assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 202);
    let wrong = World::wrong(&world.code(&phone));
    let guesses = (0..20).map(|_| async {
        let mut phone = phone.clone();
        world.verify(&mut phone, &wrong).await.body["type"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let told = join_all(guesses).await;
    let rejected = told.iter().filter(|slug| slug.ends_with("/code-rejected")).count();
    let dead = told.iter().filter(|slug| slug.ends_with("/challenge-not-live")).count();
    assert_eq!((rejected, dead), (5, 15), "{told:?}");
    assert!(store.conflicts() > 0, "they met");
}

#[tokio::test]
async fn an_account_that_is_never_free_is_busy_and_nobody_is_told() {
    let store = Arc::new(Troubled::every(1, Trouble::Conflict));
    let world = world_over(&store).await;
    let answer = world.sign_in(&mut Phone::new("phone"), OWNER, PASSWORD).await;
    assert_eq!((answer.is(), answer.retry_after), ((503, "unavailable"), Some(1)));
    assert_eq!(world.messages(), []);
}

#[tokio::test]
async fn a_store_that_is_out_of_reach_is_no_account_that_is_not_there() {
    let store = Arc::new(Troubled::every(usize::MAX, Trouble::Failure));
    let world = world_over(&store).await;
    let phone = world.trusted(Phone::new("phone"), OWNER).await;
    world.pass(31);
    let mut pending = Phone::new("pending");
    world.sign_in(&mut pending, OWNER, PASSWORD).await;
    store.set_reachable(false);
    let busy = (503, "unavailable");
    for path in ["/v1/session", "/v1/devices", "/v1/activity", "/v1/two-step", "/v1/challenges"] {
        assert_eq!(world.call(&phone, "GET", path, None).await.is(), busy, "{path}");
    }
    assert_eq!(world.sign_in(&mut phone.clone(), OWNER, PASSWORD).await.is(), busy);
    assert_eq!(world.sign_in(&mut phone.clone(), "nobody@x.test", PASSWORD).await.is(), busy);
    assert_eq!(world.verify(&mut pending, "000000").await.is(), busy);
    assert_eq!(world.resend(&pending).await.is(), busy);
    let renewal = json!({"refresh_token": phone.refresh});
    assert_eq!(
        world.ask(&phone, "POST", "/v1/session/refresh", "", Some(renewal)).await.is(),
        busy
    );
    // What came due meanwhile is told once the store is back.
    world.pass(600);
    world.service.send_due_notices().await;
    store.set_reachable(true);
    assert_eq!(world.call(&phone, "GET", "/v1/session", None).await.status, 200);
    world.service.send_due_notices().await;
    let abandoned = |message: &reference_server::ports::Message| match &message.content {
        MessageContent::Notice { subject, .. } => subject.contains("not completed"),
        _ => false,
    };
    world
        .eventually(|messages| messages.iter().any(abandoned).then_some(()))
        .await;
}

#[tokio::test]
async fn looking_writes_nothing_but_now_and_then_that_a_session_is_in_use() {
    let store = Arc::new(Troubled::every(usize::MAX, Trouble::Failure));
    let over = Arc::clone(&store);
    let world = World::composed(|config| config.session_idle_s = Some(3600), move |deps| deps.store = over).await;
    world.create(OWNER).await;
    let mut phone = world.trusted(Phone::new("phone"), OWNER).await;
    let written = store.commits();
    for path in ["/v1/session", "/v1/devices", "/v1/activity", "/v1/two-step", "/v1/challenges"] {
        assert_eq!(world.call(&phone, "GET", path, None).await.status, 200, "{path}");
    }
    world.pass(59);
    world.call(&phone, "GET", "/v1/session", None).await;
    assert_eq!(store.commits(), written);
    world.pass(1);
    world.call(&phone, "GET", "/v1/session", None).await;
    assert_eq!(store.commits(), written + 1);
    // Renewed, so that only the idle limit is left to end it.
    world.pass(3599);
    let renewal: Value = json!({"refresh_token": phone.refresh});
    let renewed = world.ask(&phone, "POST", "/v1/session/refresh", "", Some(renewal)).await;
    assert_eq!(renewed.status, 200, "counted from the last use that was kept");
    phone.refresh = renewed.text("/session/refresh_token");
    world.pass(3600);
    let late = json!({"refresh_token": phone.refresh});
    assert_eq!(
        world.ask(&phone, "POST", "/v1/session/refresh", "", Some(late)).await.status,
        401
    );
}

#[tokio::test]
async fn counts_that_cannot_be_kept_let_nobody_guess() {
    let counters = Arc::new(LostCounters::default());
    let over = Arc::clone(&counters);
    let world = World::composed(|_| (), move |deps| deps.counters = over).await;
    world.create(OWNER).await;
    let mut phone = Phone::new("phone");
    assert_eq!(world.sign_in(&mut phone, OWNER, PASSWORD).await.status, 202);
    counters.set_lost(true);
    let busy = (503, "unavailable");
    let code = world.code(&phone);
    assert_eq!(world.sign_in(&mut Phone::new("other"), OWNER, PASSWORD).await.is(), busy);
    assert_eq!(
        world.sign_in(&mut Phone::new("other"), "nobody@x.test", PASSWORD).await.is(),
        busy
    );
    assert_eq!(world.verify(&mut phone, &code).await.is(), busy);
    counters.set_lost(false);
    assert_eq!(world.verify(&mut phone, &code).await.status, 201);
}
