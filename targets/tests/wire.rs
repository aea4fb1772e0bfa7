//! The exchange layer over real sockets: who asks, what is kept, what is not sent, what is moved.

mod common;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{answering, json, native, request, server};
use targets::{AdminClient, CredentialKind, Device, EmailRoute, Operation, RawRequest, RequestMutation, Target, TargetError};
use tokio::io::AsyncWriteExt;

/// A server that notes each request with its peer's address and gives the same answer to all.
async fn noting(answer: String) -> (String, Arc<Mutex<Vec<(IpAddr, String)>>>) {
    let notes: Arc<Mutex<Vec<(IpAddr, String)>>> = Arc::default();
    let origin = server({
        let notes = notes.clone();
        move |mut socket| {
            let (notes, answer) = (notes.clone(), answer.clone());
            async move {
                let text = request(&mut socket).await;
                notes.lock().unwrap().push((socket.peer_addr().unwrap().ip(), text));
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    })
    .await;
    (origin, notes)
}

fn device() -> Device {
    let mut device = Device::new("phone", "i-1");
    device.variables.insert("access".to_owned(), "at_1".to_owned());
    device
}

#[tokio::test]
async fn each_device_asks_from_its_own_address() {
    let (origin, notes) = noting("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned()).await;
    let target = native(&origin, 5000);
    for source in [Some("127.0.0.7"), Some("127.8.9.10"), None] {
        let mut device = device();
        device.source = source.map(|address| address.parse().unwrap());
        target.perform(&mut device, Operation::SignOut {}).await.unwrap();
    }
    let seen: Vec<String> = notes.lock().unwrap().iter().map(|(peer, _)| peer.to_string()).collect();
    assert_eq!(seen, ["127.0.0.7", "127.8.9.10", "127.0.0.1"]);
}

#[tokio::test]
async fn cookies_come_back_and_departures_reach_the_wire() {
    let answer = json(
        "401 Unauthorized",
        "text/html",
        "Set-Cookie: sid=one; Path=/v1\r\nSet-Cookie: b=2; Path=/else\r\n",
        "",
    );
    let (origin, notes) = noting(answer).await;
    let target = native(&origin, 5000);
    let mut device = device();
    target.perform(&mut device, Operation::WhoAmI {}).await.unwrap();
    let twice = |version: &str| RequestMutation::AddHeader("App-Version".to_owned(), version.to_owned());
    target
        .perform_with(&mut device, Operation::WhoAmI {}, &[twice("1.0.0")])
        .await
        .unwrap();
    let notes = notes.lock().unwrap();
    let second = notes[1].1.to_ascii_lowercase();
    assert!(second.starts_with("get /v1/session http/1.1\r\n"), "{second}");
    assert!(
        second.contains("cookie: sid=one\r\n") && second.contains("authorization: bearer at_1\r\n"),
        "{second}"
    );
    assert_eq!(second.matches("app-version: ").count(), 2, "{second}");
}

#[tokio::test]
async fn a_raw_request_carries_nothing_of_the_device() {
    let (origin, notes) = noting("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()).await;
    let mut device = device();
    device.jar.set("sid", "one");
    let request = RawRequest {
        method: "PROPFIND".to_owned(),
        path: "/v1/../x?y=%00".to_owned(),
        headers: vec![("X-Own".to_owned(), "1".to_owned())],
        body: b"{".to_vec(),
    };
    let exchange = native(&origin, 5000).raw(&device, request).await.unwrap();
    assert_eq!((exchange.status, exchange.operation), (404, None));
    let sent = notes.lock().unwrap()[0].1.to_ascii_lowercase();
    assert!(sent.starts_with("propfind /v1/../x?y=%00 "), "{sent}");
    assert!(
        sent.contains("x-own: 1") && !sent.contains("sid=one") && !sent.contains("at_1"),
        "{sent}"
    );
}

#[tokio::test]
async fn ids_cannot_become_another_path() {
    let (origin, notes) = noting("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned()).await;
    let id = "../session?x=/é".to_owned();
    native(&origin, 5000)
        .perform(&mut device(), Operation::RemoveDevice { id })
        .await
        .unwrap();
    let sent = notes.lock().unwrap()[0].1.clone();
    assert!(
        sent.starts_with("DELETE /v1/devices/%2E%2E%2Fsession%3Fx%3D%2F%C3%A9 "),
        "{sent}"
    );
}

#[tokio::test]
async fn a_credential_can_be_stolen_and_taken_away() {
    let target = native("http://127.0.0.1:1", 500);
    let (mut thief, victim) = (Device::new("thief", "i-2"), device());
    for kind in CredentialKind::ALL {
        target.set_credential(&mut thief, kind, target.credential(&victim, kind));
    }
    assert_eq!(target.credential(&thief, CredentialKind::Access).as_deref(), Some("at_1"));
    target.set_credential(&mut thief, CredentialKind::Access, None);
    assert!(thief.variables.is_empty());
}

#[tokio::test]
async fn the_control_interface_moves_time_and_says_when_it_does_not() {
    let (origin, notes) = noting(json("200 OK", "application/json", "", r#"{"now_ms":1234}"#)).await;
    let admin = AdminClient::new(&origin).unwrap();
    admin.advance(Duration::from_micros(1500)).await.unwrap();
    assert_eq!(admin.now_ms().await.unwrap(), 1234);
    let smtp = EmailRoute::Smtp("smtp://127.0.0.1:25".to_owned());
    admin.deliver_to(Some(&smtp), Some("http://127.0.0.1:1")).await.unwrap();
    let notes: Vec<String> = notes.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    assert!(
        notes[0].starts_with("POST /clock ") && notes[0].ends_with(r#"{"advance_ms":2}"#),
        "{notes:?}"
    );
    let delivery = r#"{"email":{"kind":"smtp","url":"smtp://127.0.0.1:25"},"push":{"url":"http://127.0.0.1:1"}}"#;
    assert!(
        notes[2].starts_with("PUT /delivery ") && notes[2].ends_with(delivery),
        "{notes:?}"
    );
    let broken = AdminClient::new(&answering(json("500 Oops", "text/plain", "", "no")).await).unwrap();
    let seen = broken.advance(Duration::from_secs(1)).await;
    assert!(
        matches!(&seen, Err(TargetError::Unreachable { reason, .. }) if reason.contains("500")),
        "{seen:?}"
    );
}
