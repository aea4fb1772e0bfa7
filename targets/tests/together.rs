//! Copies of one request are inside the server at the same time.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{json, native, request, server};
use targets::{Device, Operation, Outcome, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Barrier;

const COPIES: usize = 12;

fn verify() -> Operation {
    Operation::Verify {
        code: "012345".to_owned(),
    }
}

fn device() -> Device {
    let mut device = Device::new("phone", "i-1");
    device.variables.insert("handle".to_owned(), "ch_1".to_owned());
    device
}

/// A server that answers nobody until everybody's request has come, and counts those whose request was whole before all
/// others had begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_copy_stands_at_its_last_byte_before_any_is_whole() {
    let begun = Arc::new(AtomicUsize::new(0));
    let early = Arc::new(AtomicUsize::new(0));
    let all = Arc::new(Barrier::new(COPIES));
    let served = Arc::new(AtomicUsize::new(0));
    let origin = server({
        let (begun, early, all, served) = (begun.clone(), early.clone(), all.clone(), served.clone());
        move |mut socket| {
            let (begun, early, all, served) = (begun.clone(), early.clone(), all.clone(), served.clone());
            async move {
                let mut first = [0u8; 1];
                let _ = socket.peek(&mut first).await;
                begun.fetch_add(1, Ordering::SeqCst);
                let text = request(&mut socket).await;
                assert!(text.ends_with(r#"{"code":"012345"}"#), "{text}");
                if begun.load(Ordering::SeqCst) < COPIES {
                    early.fetch_add(1, Ordering::SeqCst);
                }
                all.wait().await;
                let nth = served.fetch_add(1, Ordering::SeqCst);
                let body = format!(r#"{{"session":{{"access_token":"at_{nth}","refresh_token":"rt_{nth}"}}}}"#);
                let answer = json("201 Created", "application/json", &format!("Set-Cookie: n={nth}\r\n"), &body);
                let _ = socket.write_all(answer.as_bytes()).await;
                let _ = socket.read(&mut first).await;
            }
        }
    })
    .await;
    let target = native(&origin, 20_000);
    let judged = target.perform_together(&device(), verify(), COPIES).await.unwrap();
    assert_eq!(early.load(Ordering::SeqCst), 0);
    let mut sessions: Vec<_> = judged.iter().map(|(_, device)| device.variables["access"].clone()).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), COPIES, "each copy of the device holds its own session");
    for (answer, device) in &judged {
        assert_eq!(answer.outcome, Outcome::SignedIn);
        let nth = device.jar.get("n").unwrap();
        assert_eq!(device.variables["access"], format!("at_{nth}"));
    }
}

#[tokio::test]
async fn a_request_without_a_body_is_held_back_too() {
    let all = Arc::new(Barrier::new(3));
    let origin = server(move |mut socket| {
        let all = all.clone();
        async move {
            request(&mut socket).await;
            all.wait().await;
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let judged = native(&origin, 20_000)
        .perform_together(&device(), Operation::SignOut {}, 3)
        .await
        .unwrap();
    assert!(judged.iter().all(|(answer, _)| answer.outcome == Outcome::Done));
}

#[tokio::test]
async fn a_target_that_is_not_there_does_not_hang_the_start() {
    let seen = native("http://127.0.0.1:1", 20_000)
        .perform_together(&device(), verify(), 4)
        .await;
    assert!(seen.is_err());
}
