//! A flood of sign-ins over real connections, with the parameters of production: memory stays what the hashers need.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use reference_server::parts::RecordingMailer;
use reference_server::{ConnectionLimits, Parts, Service, Settings, serve};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

const MIB: u64 = 1024 * 1024;
const CONNECTIONS: usize = 64;
const SIGN_INS: usize = 128;

/// Resident memory of this process; none where the system does not tell.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_leaves_no_more_than_the_hashers_memory() {
    let settings = Settings {
        // This test is a proxy, so that it can speak for any address.
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Settings::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Service::new(Parts::standard(Arc::new(RecordingMailer::default())), settings);
    tokio::spawn(serve(listener, service, ConnectionLimits::default(), std::future::pending()));

    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..CONNECTIONS).map(|_| {
        let next = Arc::clone(&next);
        tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= SIGN_INS {
                    return;
                }
                let body = json!({
                    "email": format!("nobody-{nth}@x.test"),
                    "password": "spring rain",
                    "device": {"installation": "x", "name": "x"},
                });
                let request = http::Request::post("/v1/sign-ins")
                    .header("host", "x")
                    .header("content-type", "application/json")
                    .header("x-forwarded-for", format!("198.51.{}.{}", nth / 250, nth % 250))
                    .body(Full::new(Bytes::from(body.to_string())))
                    .unwrap();
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 401, "{nth}");
                answer.into_body().collect().await.unwrap();
            }
        })
    });
    for client in join_all(clients).await {
        client.unwrap();
    }
    let hashers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get) as u64;
    let most = hashers * 19 * MIB + 64 * MIB;
    let resident = resident().unwrap_or_default();
    assert!(resident < most, "{} MiB are resident, of {} MiB", resident / MIB, most / MIB);
}
