//! Who waits for whom when more passwords come than can be judged.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use reference_server::policy::{Limit, RateLimited};
use reference_server::ports::{Argon2id, HashMemory, Passwords};
use reference_server::service::Problem;

use super::world::{OWNER, PASSWORD, Phone, World, attempt};

/// A hasher that judges nothing while it is closed, and remembers what it judged, in order.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
    judged: Mutex<Vec<String>>,
}

impl Gate {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    fn judged(&self) -> Vec<String> {
        self.judged.lock().unwrap().clone()
    }
}

impl Passwords for Gate {
    fn hash(&self, password: &str, memory: &mut HashMemory) -> String {
        Argon2id::light().hash(password, memory)
    }

    fn verify(&self, password: &str, hash: &str, memory: &mut HashMemory) -> bool {
        let closed = self.closed.lock().unwrap();
        drop(self.opened.wait_while(closed, |closed| *closed).unwrap());
        self.judged.lock().unwrap().push(password.to_owned());
        Argon2id::light().verify(password, hash, memory)
    }
}

/// Places for strangers beside those that are being judged.
const QUEUE: usize = 32;

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(30);

fn hashers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

async fn world(gate: &Arc<Gate>) -> Arc<World> {
    let world = World::composed(|config| config.password_queue = QUEUE, |deps| deps.passwords = gate.clone());
    Arc::new(world.await)
}

/// Strangers over the network, with each of these in place of a trust credential, until all but those who have a place were turned
/// away.
async fn flood(world: &Arc<World>, credentials: Vec<Option<String>>) -> tokio::task::JoinHandle<()> {
    let strangers = QUEUE + hashers() + 30;
    let (refused, mut refusals) = tokio::sync::mpsc::unbounded_channel();
    let world = Arc::clone(world);
    let all = tokio::spawn(async move {
        let attempts = (0..strangers).map(async |nth| {
            let mut phone = Phone::new(&format!("stranger-{nth}")).at(&format!("198.51.100.{nth}"));
            phone.trust.clone_from(&credentials[nth % credentials.len()]);
            let name = if nth % 2 == 0 {
                OWNER.to_owned()
            } else {
                format!("nobody-{nth}@x.test")
            };
            if world.sign_in(&mut phone, &name, "rubbish").await.is() == (503, "unavailable") {
                refused.send(()).unwrap();
            }
        });
        join_all(attempts).await;
    });
    let turned_away = async {
        for _ in 0..30 {
            refusals.recv().await.unwrap();
        }
    };
    let within = tokio::time::timeout(LONG, turned_away).await;
    within.expect("strangers have no other places, whatever they present");
    all
}

#[tokio::test]
async fn owners_get_in_while_strangers_fill_the_queue() {
    let gate = Arc::new(Gate::default());
    let world = world(&gate).await;
    let mut owners = Vec::new();
    for nth in 0..6 {
        let name = format!("owner-{nth}@x.test");
        world.create(&name).await;
        owners.push((world.trusted(Phone::new(&format!("p{nth}")), &name).await, name));
    }
    world.create(OWNER).await;
    let mut owner = world.trusted(Phone::new("owner"), OWNER).await;
    let replaced = owner.trust.clone();
    assert_eq!(world.sign_in(&mut owner, OWNER, PASSWORD).await.status, 201);
    let of_another = owners[0].0.trust.clone();
    gate.close();
    let before = gate.judged().len();
    let strangers = flood(&world, vec![None, Some("tt_rubbish".to_owned()), replaced, of_another]).await;

    // Each in a way that needs the hasher: signing in again, proving the password, changing it.
    let (service, source) = (&world.service, "203.0.113.1".parse().unwrap());
    let mut answers = Box::pin(join_all(owners.into_iter().enumerate().map(async |(nth, (phone, name))| {
        match nth % 3 {
            0 => service
                .sign_in(source, attempt(name, PASSWORD, phone.trust))
                .await
                .map(|_| ()),
            1 => service.reauthenticate(source, &phone.access, PASSWORD.to_owned()).await,
            _ => {
                let new = "another long walk".to_owned();
                service.change_password(source, &phone.access, PASSWORD.to_owned(), new).await
            }
        }
    })));
    assert!(poll!(&mut answers).is_pending(), "all six wait");
    gate.open();
    for answer in answers.await {
        assert_eq!(answer, Ok(()));
    }
    // Those who were being served and one who was next came before them, and others beside the last of them.
    let first = gate.judged().into_iter().skip(before).take(6 + 2 * hashers() + 1);
    assert_eq!(first.filter(|password| password == PASSWORD).count(), 6);
    strangers.await.unwrap();
}

#[tokio::test]
async fn who_leaves_the_queue_is_not_judged_and_his_place_is_free() {
    let gate = Arc::new(Gate::default());
    let world = world(&gate).await;
    gate.close();
    let places = QUEUE + hashers();
    let source = |nth: usize| format!("198.51.100.{nth}").parse().unwrap();
    let come = |nth: usize, password| {
        let attempt = attempt(format!("nobody-{nth}@x.test"), password, None);
        Box::pin(world.service.sign_in(source(nth), attempt))
    };
    let mut gone: Vec<_> = (0..places).map(|nth| come(nth, "of one who left")).collect();
    for attempt in &mut gone {
        assert!(poll!(attempt).is_pending());
    }
    assert_eq!(
        come(250, "one too many").await.err(),
        Some(Problem::Unavailable {
            retry_after: Duration::from_secs(1)
        })
    );
    drop(gone);
    let mut stays = come(251, "of one who stays");
    assert!(poll!(&mut stays).is_pending());
    gate.open();
    assert_eq!(stays.await.err(), Some(Problem::InvalidCredentials));
    let left = gate.judged().iter().filter(|password| *password == "of one who left").count();
    assert!(left <= hashers(), "only those who were being judged: {left}");
}

#[tokio::test]
async fn who_leaves_while_he_is_judged_has_guessed() {
    let gate = Arc::new(Gate::default());
    let world = World::composed(|config| config.source_wrong_limit = 1, |deps| deps.passwords = gate.clone()).await;
    gate.close();
    let come = |name: &str| {
        let attempt = attempt(name.to_owned(), "spring rain", None);
        Box::pin(world.service.sign_in("198.51.100.7".parse().unwrap(), attempt))
    };
    let mut judged = come("nobody@x.test");
    assert!(poll!(&mut judged).is_pending());
    let mut waits = come("another@x.test");
    assert!(poll!(&mut waits).is_pending(), "the one before may be right");
    drop(judged);
    assert_eq!(
        waits.await.err(),
        Some(
            RateLimited {
                limit: Limit::Attempts,
                retry_after: Duration::from_secs(600)
            }
            .into()
        )
    );
    gate.open();
}
