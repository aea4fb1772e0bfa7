//! Copies of one request are inside the server at the same time.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{json, native, request, server};
use targets::{Body, Device, HttpClient, Limits, Operation, OperationKind, Outcome, RequestBuilder, Target, Transcript};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
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

/// A server that answers nobody until everybody's request is whole: only overlapping requests are ever answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_copies_are_inside_at_once_and_each_has_its_own_answer() {
    let all = Arc::new(Barrier::new(COPIES));
    let served = Arc::new(AtomicUsize::new(0));
    let origin = server(move |mut socket| {
        let (all, served) = (all.clone(), served.clone());
        async move {
            let text = request(&mut socket).await;
            assert!(text.ends_with(r#"{"code":"012345"}"#), "{text}");
            all.wait().await;
            let nth = served.fetch_add(1, Ordering::SeqCst);
            let body = format!(r#"{{"session":{{"access_token":"at_{nth}","refresh_token":"rt_{nth}"}}}}"#);
            let answer = json("201 Created", "application/json", &format!("Set-Cookie: n={nth}\r\n"), &body);
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let target = native(&origin, 20_000);
    let judged = target.race(&device(), verify(), COPIES).await.unwrap();
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

/// One copy cannot get its request out, since nobody reads it. Until it can, the others stay one byte short.
#[tokio::test]
async fn nobody_is_whole_before_everybody_stands() {
    const BODY: usize = 8 << 20;
    let socket = TcpSocket::new_v4().unwrap();
    // Small enough for a request to fill it, so that the sender has to wait for the reader.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(8).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut builder = RequestBuilder::new(OperationKind::Verify, "POST", url);
    builder.body = Body::Bytes(None, vec![b'x'; BODY]);
    let limits = Limits {
        within: Duration::from_secs(60),
        ..Limits::default()
    };
    let wire = HttpClient::new(limits, Transcript::default()).unwrap();
    let sending = tokio::spawn(async move { wire.last_byte_sync(&device(), &builder.build(&device(), &[]), 3).await });
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(listener.accept().await.unwrap().0);
    }
    let mut missing = Vec::new();
    for socket in &mut sockets {
        let (mut seen, mut whole) = (Vec::new(), usize::MAX);
        while seen.len() < whole - 1 {
            assert!(socket.read_buf(&mut seen).await.unwrap() > 0);
            if whole == usize::MAX {
                whole = seen
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .map_or(whole, |at| at + 4 + BODY);
            }
        }
        missing.push(whole - seen.len());
    }
    // Reading the last one let everybody go, so that its own last byte may have come along.
    assert_eq!(missing[..2], [1, 1], "the last byte is held back");
    for (socket, missing) in sockets.iter_mut().zip(missing) {
        if missing > 0 {
            assert_eq!(socket.read_u8().await.unwrap(), b'x');
        }
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }
    let endings = sending.await.unwrap().unwrap();
    assert!(
        endings
            .iter()
            .all(|ending| ending.as_ref().is_ok_and(|exchange| exchange.status == 204))
    );
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
        .race(&device(), Operation::SignOut {}, 3)
        .await
        .unwrap();
    assert!(judged.iter().all(|(answer, _)| answer.outcome == Outcome::Done));
}

#[tokio::test]
async fn a_target_that_is_not_there_does_not_hang_the_start() {
    let seen = native("http://127.0.0.1:1", 20_000).race(&device(), verify(), 4).await;
    assert!(seen.is_err());
}
