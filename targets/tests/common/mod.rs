//! Tiny servers for the tests: each connection is handed to a function that owns the socket.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::future::Future;

use targets::{DeliveryLog, Limits, Native, NativeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves every connection by `serve`; gives the origin.
pub async fn server<F, R>(serve: F) -> String
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    origin
}

/// Answers every request with these bytes and closes.
pub async fn answering(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    server(move |mut socket| {
        let bytes = bytes.clone();
        async move {
            request(&mut socket).await;
            let _ = socket.write_all(&bytes).await;
        }
    })
    .await
}

/// Reads one whole request.
pub async fn request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match socket.read_buf(&mut bytes).await {
            Ok(n) if n > 0 => {}
            _ => return text,
        }
    }
}

/// A whole JSON answer.
pub fn json(status: &str, content_type: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// A native target at this origin, quick to give up.
pub fn native(origin: &str, within_ms: u64) -> Native {
    let mut options = NativeOptions::new(origin, DeliveryLog::new(Native::patterns()));
    options.limits = Limits {
        within: std::time::Duration::from_millis(within_ms),
        body: 64 * 1024,
    };
    Native::open(options).unwrap()
}
