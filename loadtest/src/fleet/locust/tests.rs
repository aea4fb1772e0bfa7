//! Frames as Locust's own msgpack writes them, frames that nobody should write, and deltas that add up.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use rmpv::Value;

use super::order::Order;
use super::protocol::{Spawn, State, ToMaster, ToWorker, Users};
use super::stats::LocustStats;
use crate::plan::Slice;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn users(count: u64) -> Users {
    Users::from([("Storm".to_owned(), count)])
}

#[test]
fn what_a_worker_says_is_written_as_locust_s_own_workers_write_it() {
    let heartbeat = ToMaster::Heartbeat {
        state: State::Running,
        cpu: 12.5,
        memory: 1 << 20,
    };
    let done = ToMaster::StormDone {
        run: "r".to_owned(),
        slice: 1,
        error: None,
    };
    let golden = [
        (ToMaster::ClientReady, "93ac636c69656e745f7265616479ffa177"),
        (ToMaster::Spawning, "93a8737061776e696e67c0a177"),
        (
            ToMaster::SpawningComplete(users(2)),
            "93b1737061776e696e675f636f6d706c65746582b2757365725f636c61737365735f636f756e7481a553746f726d02aa757365725f636f756e7402a177",
        ),
        (
            heartbeat,
            "93a968656172746265617483a57374617465a772756e6e696e67b163757272656e745f6370755f7573616765cb4029000000000000b463757272656e745f6d\
             656d6f72795f7573616765ce00100000a177",
        ),
        (ToMaster::ClientStopped, "93ae636c69656e745f73746f70706564c0a177"),
        (ToMaster::Quit, "93a471756974c0a177"),
        (
            ToMaster::Exception("gone".to_owned()),
            "93a9657863657074696f6e82a36d7367a4676f6e65a974726163656261636ba0a177",
        ),
        (done, "93aa73746f726d5f646f6e6583a372756ea172a5736c69636501a56572726f72c0a177"),
    ];
    for (message, hex) in golden {
        assert_eq!(message.encode("w"), bytes(hex), "{message:?}");
    }
}

const SPAWN: &str = "93a5737061776e85a974696d657374616d70cb3ff8000000000000b2757365725f636c61737365735f636f756e7481a553746f726d01a4686f7374b568747470\
    3a2f2f3132372e302e302e313a38303830ac73746f705f74696d656f757400ae7061727365645f6f7074696f6e7389a573746f726daa6973702d6f7574616765aa\
    73746f726d5f72617465c0aa73746f726d5f7365656407ad73746f726d5f7365636f6e6473a3322e35ac73746f726d5f736c6963657303a973746f726d5f72756e\
    a27231ae73746f726d5f73746172745f6174cb41dc410390100000a474616773c0a8686561646c657373c3a177";

fn spawn() -> Spawn {
    match ToWorker::decode(&bytes(SPAWN)) {
        Ok(ToWorker::Spawn(spawn)) => *spawn,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_master_says_is_understood() {
    let golden = [
        ("93a361636b81a5696e64657802a177", ToWorker::Ack(Some(2))),
        ("93a361636bc0a177", ToWorker::Ack(None)),
        ("93a473746f70c0a177", ToWorker::Stop),
        ("93a471756974c0a177", ToWorker::Quit),
        ("93a9686561727462656174c0a177", ToWorker::Heartbeat),
        ("93a97265636f6e6e656374c0a177", ToWorker::Reconnect),
        (
            "93b1737061776e696e675f636f6d706c65746581aa757365725f636f756e7403a177",
            ToWorker::Other("spawning_complete".to_owned()),
        ),
    ];
    for (hex, message) in golden {
        assert_eq!(ToWorker::decode(&bytes(hex)), Ok(message), "{hex}");
    }
    let spawn = spawn();
    assert_eq!(
        (spawn.timestamp, spawn.users.clone(), spawn.stop_timeout),
        (1.5, users(1), 0.0)
    );
    let order = Order::of(&spawn, Some(2)).unwrap();
    let wanted = Order {
        run: "r1".to_owned(),
        storm: "isp-outage".to_owned(),
        rate: None,
        seed: 7,
        // Typed into the master's page, a number comes as a text.
        seconds: Some(2.5),
        target: Some("http://127.0.0.1:8080".to_owned()),
        slice: Slice { index: 2, of: 3 },
        start_at: SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1_896_091_200.25),
    };
    assert_eq!(order, wanted);
}

#[test]
fn an_order_that_cannot_be_carried_out_is_told_with_its_reason() {
    let told = |spawn: &Spawn, index| Order::of(spawn, index).unwrap_err().to_string();
    assert!(told(&spawn(), None).contains("no index"));
    assert!(told(&spawn(), Some(3)).contains("index is 3, and there are 3 slices"));
    let changed = |from: &str, to: &str| {
        assert!(SPAWN.contains(from), "{from}");
        match ToWorker::decode(&bytes(&SPAWN.replace(from, to))) {
            Ok(ToWorker::Spawn(spawn)) => told(&spawn, Some(0)),
            other => panic!("{other:?}"),
        }
    };
    // storm_slices 3 becomes 0; storm_seconds "2.5" becomes "-.5" and "x.5"; storm_run becomes storm_ruN; storm_seed 7 becomes −1.
    assert!(changed("6c6963657303", "6c6963657300").contains("no --storm-workers"));
    assert!(changed("a3322e35", "a32d2e35").contains("not above 0"));
    assert!(changed("a3322e35", "a3782e35").contains("is no number"));
    assert!(changed("73746f726d5f72756e", "73746f726d5f72754e").contains("no storm_run"));
    assert!(changed("a27231", "a22e2e").contains("no name of a run"), "it is no path");
    assert!(changed("7365656407", "73656564ff").contains("no whole number"));
}

#[test]
fn frames_that_are_no_messages_are_told() {
    let deep = [vec![0x91; 5000], vec![0xc0]].concat();
    let golden: [(&[u8], &str); 9] = [
        (b"", "no MessagePack"),
        (b"\xc1", "not an array"),
        (b"\xdd\xff\xff\xff\xff", "no MessagePack"),
        (b"\xc6\xff\xff\xff\xff", "no MessagePack"),
        (&deep, "no MessagePack"),
        (b"\xc0", "not an array"),
        (b"\x92\xa4quit\xc0", "an array of 2"),
        (b"\x93\x01\xc0\xa1w", "the type is no text"),
        (b"\x93\xa4quit\xc0\xa1w\xc0", "more than one value"),
    ];
    for (frame, told) in golden {
        let error = ToWorker::decode(frame).expect_err("no message").to_string();
        assert!(error.contains(told), "{error} is not {told}");
    }
    assert!(ToWorker::decode(b"\x93\xa5spawn\xc0\xa1w").is_err(), "an order of nothing");
}

proptest! {
    #[test]
    fn no_frame_makes_a_worker_panic(frame in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..600, byte in any::<u8>()) {
        let _ = ToWorker::decode(&frame);
        let mut spawn = bytes(SPAWN);
        let at = at % spawn.len();
        spawn[at] = byte;
        if let Ok(ToWorker::Spawn(spawn)) = ToWorker::decode(&spawn) {
            let _ = Order::of(&spawn, Some(0));
        }
        spawn.truncate(at);
        prop_assert!(ToWorker::decode(&spawn).is_err());
    }

    #[test]
    fn deltas_add_up_to_the_whole(
        samples in proptest::collection::vec((0_u8..3, 0.0..100_000.0_f64, any::<bool>(), 0.0..10.0_f64), 0..120),
        cuts in proptest::collection::vec(0_usize..120, 0..6),
        lost in any::<bool>(),
    ) {
        let (whole, parts) = (LocustStats::new(), LocustStats::new());
        let mut sum = super::stats::Delta::default();
        for (nth, (name, ms, ok, second)) in samples.iter().enumerate() {
            for stats in [&whole, &parts] {
                stats.record(&format!("step-{name}"), "STORM", ms.floor(), *ok, Some("refused"), 1_000_000.0 + second.floor());
            }
            if cuts.contains(&nth) {
                let (delta, _) = parts.take_delta();
                // What could not be sent is in the next one.
                if lost { parts.give_back(delta) } else { sum.add(delta) }
            }
        }
        sum.add(parts.take_delta().0);
        prop_assert_eq!(sum.requests(), samples.len() as u64);
        prop_assert_eq!(sum, whole.take_delta().0);
        prop_assert_eq!(parts.take_delta().0.requests(), 0);
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, step| match value {
        Value::Array(values) => &values[step.parse::<usize>().unwrap()],
        Value::Map(fields) => {
            let number = step.parse::<u64>().ok();
            let is = |key: &Value| key.as_str() == Some(step) || number.is_some() && key.as_u64() == number;
            fields
                .iter()
                .find(|(key, _)| is(key))
                .map(|(_, value)| value)
                .unwrap_or_else(|| panic!("no {step} in {value}"))
        }
        _ => panic!("no {step} in {value}"),
    })
}

#[test]
fn a_delta_has_locust_s_shape_and_three_digits() {
    let stats = LocustStats::new();
    stats.set_users(users(4));
    for (ms, ok) in [
        (0.4, true),
        (999.4, true),
        (1234.0, true),
        (1236.0, false),
        (98_765.0, false),
        (f64::NAN, true),
    ] {
        stats.record("new-device", "JOURNEY", ms, ok, (!ok).then_some("limited"), 1_700_000_000.75);
    }
    let value = stats.take();
    assert_eq!(at(&value, &["user_count"]), &Value::from(4));
    assert_eq!(at(&value, &["user_classes_count", "Storm"]), &Value::from(4));
    for entry in [at(&value, &["stats", "0"]), at(&value, &["stats_total"])] {
        assert_eq!(at(entry, &["num_requests"]), &Value::from(6));
        assert_eq!(at(entry, &["num_failures"]), &Value::from(2));
        assert_eq!(at(entry, &["max_response_time"]), &Value::from(98_765.0));
        assert_eq!(at(entry, &["num_reqs_per_sec", "1700000000"]), &Value::from(6));
        assert_eq!(at(entry, &["num_fail_per_sec", "1700000000"]), &Value::from(2));
        for (bucket, count) in [("0", 2), ("999", 1), ("1230", 1), ("1240", 1), ("98800", 1)] {
            assert_eq!(at(entry, &["response_times", bucket]), &Value::from(count), "{bucket}");
        }
    }
    assert_eq!(at(&value, &["stats", "0", "name"]), &Value::from("new-device"));
    let error = at(&value, &["errors", "JOURNEY.new-device.limited"]);
    assert_eq!(at(error, &["occurrences"]), &Value::from(2));
    let empty = stats.take();
    assert_eq!(at(&empty, &["stats_total", "num_requests"]), &Value::from(0));
    assert_eq!(at(&empty, &["stats_total", "min_response_time"]), &Value::Nil);
}

#[test]
fn errors_that_are_all_different_do_not_fill_the_memory() {
    let stats = LocustStats::new();
    for nth in 0..1000 {
        let error = format!("{nth}{}", "é".repeat(1000));
        stats.record("a", "b", 1.0, false, Some(&error), 1.0);
    }
    let value = stats.take();
    let errors = at(&value, &["errors"]).as_map().unwrap();
    assert!(errors.len() <= 201, "{}", errors.len());
    let all: u64 = errors
        .iter()
        .filter_map(|(_, error)| at(error, &["occurrences"]).as_u64())
        .sum();
    assert_eq!(all, 1000);
    assert!(
        errors
            .iter()
            .all(|(key, _)| key.as_str().is_some_and(|key| key.chars().count() < 320))
    );
}
