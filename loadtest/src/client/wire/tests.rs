//! A kept connection that the server has closed: what the kernel knows and the reactor does not yet.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use http_body_util::Full;

use super::*;
use crate::client::lines::Waits;
use crate::client::reconnects::Counts;
use crate::record::Reconnects;

fn service(address: SocketAddr) -> Arc<Service> {
    Arc::new(Service {
        address,
        host: http::HeaderValue::from_static("localhost"),
        prefix: String::new(),
        tls: None,
        waits: Waits::default(),
        reconnects: Counts::default(),
        slots: None,
    })
}

fn submit() -> Request {
    let mut request = http::Request::new(Full::new(Bytes::from_static(b"code")));
    *request.method_mut() = http::Method::POST;
    request
}

/// Answers one such request on each connection, and closes it when it is told to.
fn one_answer_each(listener: TcpListener, connections: usize, close: Receiver<()>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for _ in 0..connections {
            let mut connection = listener.accept().unwrap().0;
            let mut read = Vec::new();
            while !read.ends_with(b"code") {
                let mut some = [0; 256];
                let count = connection.read(&mut some).unwrap();
                assert_ne!(count, 0, "the request is not complete");
                read.extend_from_slice(&some[..count]);
            }
            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            close.recv().unwrap();
        }
    })
}

/// Returns when the kernel has something to tell of the connection: learnt from a reactor of its own, while the caller's stands still.
fn until_told(connection: TcpStream) {
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::net::TcpStream::from_std(connection).unwrap().readable().await.unwrap() });
    });
    asking.join().unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_in_between_is_opened_anew_whatever_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut wire = Wire::new(service(listener.local_addr().unwrap()), None);
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    tcp.set_nonblocking(true).unwrap();
    let same = tcp.try_clone().unwrap();
    let tcp = tokio::net::TcpStream::from_std(tcp).unwrap();
    wire.open = Open::on(Stream::plain(Tcp::new(tcp)), None).await.ok();
    let (close, told) = channel();
    let serving = one_answer_each(listener, 2, told);
    assert_eq!(wire.exchange(submit()).await.ok().map(|answer| answer.status), Some(204));
    assert!(wire.open.is_some(), "it was kept");
    close.send(()).unwrap();
    // The close is there, and this runtime's reactor does not turn before the next request.
    until_told(same);
    assert_eq!(wire.exchange(submit()).await.ok().map(|answer| answer.status), Some(204));
    close.send(()).unwrap();
    serving.join().unwrap();
    let reopened = Reconnects {
        reopened: 1,
        ..Reconnects::default()
    };
    assert_eq!(wire.service.reconnects.now(), reopened);
}
