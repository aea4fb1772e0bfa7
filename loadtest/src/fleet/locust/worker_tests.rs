//! A worker and a master that says what a real one says, or what none should. Over real sockets, on loopback.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rmpv::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeromq::{RouterSocket, Socket as _, SocketRecv as _, SocketSend as _, ZmqMessage};

use super::protocol::map;
use super::{Ended, LocustStats, Order, StormRunner, WorkerOptions, run};

const BOUND: Duration = Duration::from_secs(10);

/// Tells each order; runs until it is stopped, or as the storm's name says.
struct Storms(mpsc::UnboundedSender<Order>);

#[async_trait]
impl StormRunner for Storms {
    async fn run(&self, order: Order, stop: CancellationToken, stats: Arc<LocustStats>) -> anyhow::Result<()> {
        let storm = order.storm.clone();
        self.0.send(order)?;
        match storm.as_str() {
            "short" => {}
            "broken" => anyhow::bail!("no such storm"),
            "panics" => panic!("as ordered"),
            "deaf" => std::future::pending().await,
            _ => stop.cancelled().await,
        }
        stats.record("last", "STORM", 1.0, true, None, 1.0);
        Ok(())
    }
}

/// A master of the test's own.
struct Master {
    socket: RouterSocket,
    address: String,
}

struct Scene {
    master: Master,
    worker: JoinHandle<anyhow::Result<Ended>>,
    orders: mpsc::UnboundedReceiver<Order>,
    shutdown: CancellationToken,
}

impl Master {
    async fn bind(address: &str) -> Self {
        let mut socket = RouterSocket::new();
        let endpoint = socket.bind(&format!("tcp://{address}")).await.expect("a free port");
        let address = endpoint.to_string().trim_start_matches("tcp://").to_owned();
        Self { socket, address }
    }

    /// The next message of this kind; others are passed over.
    async fn hears(&mut self, kind: &str) -> Value {
        let heard = async {
            loop {
                let frames = self.socket.recv().await.expect("a message").into_vec();
                assert_eq!(&frames[0][..], b"w", "the worker's identity");
                let Value::Array(message) = rmpv::decode::read_value(&mut &frames[1][..]).expect("MessagePack") else {
                    panic!("no message")
                };
                if message[0].as_str() == Some(kind) {
                    return message[1].clone();
                }
            }
        };
        tokio::time::timeout(BOUND, heard)
            .await
            .unwrap_or_else(|_| panic!("no {kind}"))
    }

    async fn sends(&mut self, frame: Vec<u8>) {
        let mut message = ZmqMessage::from(frame);
        message.push_front(b"w".to_vec().into());
        self.socket.send(message).await.expect("the worker is there");
    }

    async fn says(&mut self, kind: &str, data: Value) {
        let mut frame = Vec::new();
        rmpv::encode::write_value(&mut frame, &Value::Array(vec![kind.into(), data, "w".into()])).expect("in memory");
        self.sends(frame).await;
    }

    async fn orders(&mut self, run: &str, storm: &str, begins_in_s: f64) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs_f64();
        let options = map([
            ("storm", storm.into()),
            ("storm_seed", 7.into()),
            ("storm_slices", 2.into()),
            ("storm_run", run.into()),
            ("storm_start_at", (now + begins_in_s).into()),
        ]);
        let users = map([("Storm", 1.into())]);
        let order = map([
            ("timestamp", now.into()),
            ("user_classes_count", users),
            ("parsed_options", options),
        ]);
        self.says("spawn", order).await;
    }
}

async fn scene() -> Scene {
    let mut master = Master::bind("127.0.0.1:0").await;
    let mut options = WorkerOptions::new(master.address.clone());
    options.node_id = Some("w".to_owned());
    options.heartbeat = Duration::from_millis(20);
    options.report = Duration::from_millis(50);
    options.retry = Duration::from_millis(20);
    options.grace = Duration::from_millis(200);
    options.master_timeout = Duration::from_secs(2);
    let (tell, orders) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(options, Arc::new(Storms(tell)), shutdown.clone()));
    assert_eq!(master.hears("client_ready").await, Value::from(-1));
    master.says("ack", map([("index", 1.into())])).await;
    Scene {
        master,
        worker,
        orders,
        shutdown,
    }
}

fn told<'a>(data: &'a Value, name: &str) -> &'a Value {
    let fields = data.as_map().expect("a map");
    fields
        .iter()
        .find(|(key, _)| key.as_str() == Some(name))
        .map(|(_, value)| value)
        .expect(name)
}

#[tokio::test]
async fn a_storm_is_ordered_repeated_and_stopped() {
    let Scene {
        mut master,
        worker,
        mut orders,
        ..
    } = scene().await;
    for _ in 0..2 {
        master.orders("r1", "long", 60.0).await;
        assert_eq!(told(&master.hears("spawning_complete").await, "user_count"), &Value::from(1));
    }
    assert_eq!(
        orders.recv().await.map(|order| (order.slice.index, order.slice.of)),
        Some((1, 2))
    );
    master.says("stop", Value::Nil).await;
    let last = master.hears("stats").await;
    let last = if told(&last, "user_count") == &Value::from(0) {
        last
    } else {
        master.hears("stats").await
    };
    assert_eq!(
        told(told(&last, "stats_total"), "num_requests"),
        &Value::from(1),
        "the last report comes before the end"
    );
    master.hears("client_stopped").await;
    master.hears("client_ready").await;
    assert!(orders.try_recv().is_err(), "the order that was repeated began nothing");
    master.says("quit", Value::Nil).await;
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::ByMaster);
}

#[tokio::test]
async fn a_slice_that_is_done_says_so_and_one_that_failed_says_why() {
    let Scene {
        mut master,
        orders: _orders,
        ..
    } = scene().await;
    for (storm, why) in [
        ("short", None),
        ("broken", Some("no such storm")),
        ("panics", Some("ended badly")),
    ] {
        master.orders(storm, storm, 60.0).await;
        let done = master.hears("storm_done").await;
        assert_eq!(
            (told(&done, "run"), told(&done, "slice")),
            (&Value::from(storm), &Value::from(1))
        );
        match why {
            None => assert!(told(&done, "error").is_nil()),
            Some(why) => assert!(
                told(&done, "error").as_str().is_some_and(|error| error.contains(why)),
                "{done}"
            ),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_its_reason() {
    let Scene {
        mut master, mut orders, ..
    } = scene().await;
    master.orders("late", "long", -5.0).await;
    let why = master.hears("exception").await;
    assert!(told(&why, "msg").as_str().is_some_and(|why| why.contains("began 5")), "{why}");
    assert!(!told(&master.hears("storm_done").await, "error").is_nil());
    master.says("ack", map([("index", 2.into())])).await;
    master.orders("third-of-two", "long", 60.0).await;
    let why = master.hears("exception").await;
    assert!(
        told(&why, "msg")
            .as_str()
            .is_some_and(|why| why.contains("index is 2, and there are 2 slices")),
        "{why}"
    );
    assert!(orders.try_recv().is_err());
}

#[tokio::test]
async fn nonsense_is_told_and_does_no_harm() {
    let Scene {
        mut master,
        orders: _orders,
        ..
    } = scene().await;
    for frame in [
        b"".to_vec(),
        b"\xc1".to_vec(),
        b"\x93\xa5spawn\x80\xa1w".to_vec(),
        vec![0x91; 10_000],
    ] {
        master.sends(frame).await;
        let why = master.hears("exception").await;
        assert!(
            told(&why, "msg").as_str().is_some_and(|why| why.contains("not understood")),
            "{why}"
        );
    }
    master.says("something new", Value::Nil).await;
    master.orders("r1", "short", 60.0).await;
    assert!(told(&master.hears("storm_done").await, "error").is_nil());
}

#[tokio::test]
async fn another_order_ends_the_storm_that_is_on_even_one_that_does_not_listen() {
    let Scene {
        mut master, mut orders, ..
    } = scene().await;
    master.orders("r1", "deaf", 60.0).await;
    orders.recv().await.expect("it begins");
    master.orders("r2", "short", 60.0).await;
    let why = master.hears("exception").await;
    assert!(
        told(&why, "msg")
            .as_str()
            .is_some_and(|why| why.contains("did not end in time")),
        "{why}"
    );
    assert_eq!(told(&master.hears("storm_done").await, "run"), &Value::from("r2"));
}

#[tokio::test]
async fn a_master_that_falls_silent_or_goes_away_is_greeted_again_and_the_storm_goes_on() {
    let Scene {
        mut master,
        mut orders,
        shutdown,
        worker,
    } = scene().await;
    master.orders("r1", "long", 60.0).await;
    orders.recv().await.expect("it begins");
    // It answers nothing.
    master.hears("client_ready").await;
    let address = master.address.clone();
    drop(master.socket.close().await);
    let mut master = Master::bind(&address).await;
    master.hears("client_ready").await;
    assert_eq!(told(&master.hears("heartbeat").await, "state"), &Value::from("running"));
    master.says("reconnect", Value::Nil).await;
    master.hears("client_ready").await;
    shutdown.cancel();
    master.hears("stats").await;
    master.hears("quit").await;
    assert_eq!(worker.await.expect("no panic").expect("no error"), Ended::ByShutdown);
    assert!(orders.try_recv().is_err());
}

#[tokio::test]
async fn without_a_master_it_waits_and_can_be_sent_home() {
    let master = Master::bind("127.0.0.1:0").await;
    let address = master.address.clone();
    drop(master);
    let (tell, _orders) = mpsc::unbounded_channel();
    let storms = Arc::new(Storms(tell));
    let shutdown = CancellationToken::new();
    let mut options = WorkerOptions::new(address);
    let waiting = tokio::spawn(run(options.clone(), storms.clone(), shutdown.clone()));
    options.give_up = Some(Duration::ZERO);
    let error = run(options, storms, CancellationToken::new())
        .await
        .expect_err("nobody is there")
        .to_string();
    assert!(error.contains("no master at 127.0.0.1:"), "{error}");
    shutdown.cancel();
    assert_eq!(waiting.await.expect("no panic").expect("no error"), Ended::ByShutdown);
}
