//! Clients that are slow, silent or too many, over raw TCP. The server's own limits are the only clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reference_server::parts::{ManualClock, RecordingMailer};
use reference_server::{ConnectionLimits, Parts, Service, Settings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Short for the server, long for whoever waits for it.
const SOON: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(20);

async fn server(limits: ConnectionLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let parts = Parts::for_tests(Arc::new(ManualClock::default()), Arc::new(RecordingMailer::default()));
    let service = Service::new(parts, Settings::default());
    tokio::spawn(serve(listener, service, limits, std::future::pending()));
    address
}

fn strict() -> ConnectionLimits {
    ConnectionLimits {
        header_time: SOON,
        body_time: SOON,
        ..ConnectionLimits::default()
    }
}

async fn connect(address: SocketAddr, first: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    stream
}

/// Everything the server says until it closes the connection.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut said)).await;
    // A reset is a way of closing, too.
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_client_that_sends_too_little_is_cut_off() {
    let address = server(strict()).await;
    for (sent, answer) in [
        ("", ""),
        // The beginning of POST and of HTTP/2's preface alike.
        ("P", ""),
        ("GET /v1/session HT", ""),
        ("GET /v1/session HTTP/1.1\r\nHost: x\r\nX-Slow: ", ""),
        (
            "POST /v1/sign-ins HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"email\"",
            "HTTP/1.1 408",
        ),
        (
            "POST /v1/sign-ins HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
            "HTTP/1.1 408",
        ),
    ] {
        let said = until_closed(connect(address, sent).await).await;
        assert!(
            said.starts_with(answer) && answer.is_empty() == said.is_empty(),
            "{sent:?}: {said:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_idles_after_an_answer_is_closed() {
    let address = server(strict()).await;
    let said = until_closed(connect(address, "GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n").await).await;
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let address = server(ConnectionLimits::default()).await;
    let body = "x".repeat(16 * 1024 + 1);
    let many: String = (0..1_000).map(|nth| format!("X-{nth}: x\r\n")).collect();
    let long = "x".repeat(64 * 1024);
    for (request, answer) in [
        (
            format!(
                "POST /v1/sign-ins HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            "HTTP/1.1 413",
        ),
        // Announced and never sent: the announcement is enough.
        (
            "POST /v1/sign-ins HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
                .to_owned(),
            "HTTP/1.1 413",
        ),
        (format!("GET /v1/session HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "HTTP/1.1 431"),
        (
            format!("GET /v1/session HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"),
            "HTTP/1.1 431",
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Refused half-way, perhaps: then the answer is there all the same.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut said = vec![0; 12];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said), answer);
    }
}

#[tokio::test]
async fn slow_clients_hold_their_places_only_for_a_while() {
    let address = server(ConnectionLimits {
        connections: 4,
        ..strict()
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(connect(address, "GET /v1/session HTTP/1.1\r\nX-Slow: ").await);
    }
    // Every place is taken; this one waits for a slow client's end.
    let quick = connect(address, "GET /v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let said = until_closed(quick).await;
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
    drop(slow);
}

#[tokio::test]
async fn a_stopping_server_lets_go_of_idle_connections_and_takes_no_new_ones() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let parts = Parts::for_tests(Arc::new(ManualClock::default()), Arc::new(RecordingMailer::default()));
    let service = Service::new(parts, Settings::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, service, ConnectionLimits::default(), async {
        let _ = stopped.await;
    }));
    let mut idle = connect(address, "GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut said = [0; 12];
    idle.read_exact(&mut said).await.unwrap();
    drop(stop);
    tokio::time::timeout(LONG, serving).await.unwrap().unwrap();
    until_closed(idle).await;
    assert!(TcpStream::connect(address).await.is_err());
}
