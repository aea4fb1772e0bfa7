//! One client that holds as many connections as it can get, and what everybody else gets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reference_server::parts::{ManualClock, RecordingMailer};
use reference_server::{ConnectionLimits, Parts, Service, Settings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Short for the server, long for whoever waits for it.
const SOON: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(20);

/// A limit that no test waits for.
const NEVER: Duration = Duration::from_secs(3600);

async fn server(limits: ConnectionLimits, settings: Settings) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let parts = Parts::for_tests(Arc::new(ManualClock::default()), Arc::new(RecordingMailer::default()));
    tokio::spawn(serve(listener, Service::new(parts, settings), limits, std::future::pending()));
    address
}

async fn connect_from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Whether a request on this connection is answered; not, when the server closes it.
async fn answered(stream: &mut TcpStream) -> bool {
    let asked = stream.write_all(b"GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut said = [0; 1024];
    let read = tokio::time::timeout(LONG, stream.read(&mut said)).await;
    let read = read.expect("the server answers or closes the connection");
    asked.is_ok() && read.is_ok_and(|read| said[..read].starts_with(b"HTTP/1.1 401"))
}

/// Connections that hold their places for as long as the test runs.
fn crowded() -> ConnectionLimits {
    ConnectionLimits {
        header_time: NEVER,
        idle_time: NEVER,
        connections: 8,
        per_source: 4,
        ..ConnectionLimits::default()
    }
}

#[tokio::test]
async fn one_address_with_its_full_share_shuts_nobody_out() {
    let address = server(crowded(), Settings::default()).await;
    let mut crowd = Vec::new();
    let mut served = 0;
    for _ in 0..12 {
        let mut stream = connect_from("127.0.0.2", address).await;
        served += usize::from(answered(&mut stream).await);
        crowd.push(stream);
    }
    assert_eq!(served, 4, "its share");
    let mut another = connect_from("127.0.0.3", address).await;
    assert!(answered(&mut another).await, "everybody else is served");
    assert!(answered(&mut crowd[0]).await, "and its own share goes on");
    // What it gives back it may have again.
    drop(crowd);
    let again = async {
        while !answered(&mut connect_from("127.0.0.2", address).await).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, again).await.unwrap();
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_many() {
    let settings = Settings {
        trusted_proxies: vec!["127.0.0.2".parse().unwrap()],
        ..Settings::default()
    };
    let address = server(crowded(), settings).await;
    let mut crowd = Vec::new();
    for _ in 0..8 {
        let mut stream = connect_from("127.0.0.2", address).await;
        assert!(answered(&mut stream).await);
        crowd.push(stream);
    }
}

#[tokio::test]
async fn answering_pings_keeps_no_connection_open() {
    let limits = ConnectionLimits {
        header_time: SOON,
        idle_time: SOON,
        ..ConnectionLimits::default()
    };
    let address = server(limits, Settings::default()).await;
    for requests in [0, 2] {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        // It answers pings by itself.
        let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (mut sender, connection) = client.unwrap();
        let ended = tokio::spawn(connection);
        for _ in 0..requests {
            let request = http::Request::get("http://x/v1/session").body(Empty::<Bytes>::new()).unwrap();
            assert_eq!(sender.send_request(request).await.unwrap().status(), 401);
        }
        let ended = tokio::time::timeout(LONG, ended).await;
        // Told, and not torn: its peer knows that no request was lost.
        let told = ended.expect("the server ends it").unwrap();
        assert!(told.is_ok(), "{told:?}");
        assert!(sender.is_closed());
    }
}

#[tokio::test]
async fn a_request_that_takes_long_is_no_idling() {
    let limits = ConnectionLimits {
        header_time: SOON,
        idle_time: SOON,
        body_time: NEVER,
        ..ConnectionLimits::default()
    };
    let address = server(limits, Settings::default()).await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = client.unwrap();
    tokio::spawn(connection);
    // Its body comes when the connection would long have been idle.
    let late = futures_util::stream::once(async {
        tokio::time::sleep(SOON * 4).await;
        Ok::<_, Infallible>(hyper::body::Frame::data(Bytes::from_static(b"{}")))
    });
    let request = http::Request::post("http://x/v1/sign-ins")
        .header("content-type", "application/json")
        .body(http_body_util::StreamBody::new(Box::pin(late)))
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 400);
}
