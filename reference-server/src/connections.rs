//! Connections: accepted up to a number, cut off when they are slow, ended in order. What is answered is the caller's business.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::Map;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::edge::{Outcome, problem};

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Bytes of a body.
    pub body: usize,
    /// Time to send all headers.
    pub header_time: Duration,
    /// Time to send the body.
    pub body_time: Duration,
    /// Headers of a request.
    pub headers: usize,
    /// Connections at once; further ones wait.
    pub connections: usize,
    /// Time that requests under way get when the server stops.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            body: 16 * 1024,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            headers: 64,
            connections: 4096,
            drain: Duration::from_secs(10),
        }
    }
}

/// Bytes of a request's head.
const HEAD_MOST: usize = 32 * 1024;

/// Accepts connections until `shutdown`, answers their requests, and lets those under way finish.
pub(crate) async fn accept_until<F, A>(
    listener: TcpListener,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
    answer: F,
) where
    F: Fn(Request<Incoming>, IpAddr) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Bytes>> + Send + 'static,
{
    let builder = builder(limits);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut shutdown => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        // Small answers are not worth waiting for more to send.
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let begun = Arc::new(Notify::new());
        let first = Arc::clone(&begun);
        let service = service_fn(move |request| {
            first.notify_one();
            let answered = answer(request, peer);
            async move { Ok::<_, Infallible>(answered.await.map(Full::new)) }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                },
                () = silent(&begun, limits.header_time) => tracing::debug!("connection without a request closed"),
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time to finish was over");
    }
}

fn builder(limits: ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(HEAD_MOST)
        .max_headers(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time)
        .max_header_list_size(16 * 1024)
        .max_concurrent_streams(128);
    builder
}

/// Ends when no request has begun in time. Until the first bytes tell HTTP/1 from HTTP/2 no other timeout runs, so a client
/// that sends nothing would keep its place for ever.
async fn silent(begun: &Notify, within: Duration) {
    if tokio::time::timeout(within, begun.notified()).await.is_ok() {
        std::future::pending().await
    }
}

type Accepted = (tokio::net::TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<Accepted> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer.ip().to_canonical(), slot)),
        Err(error) => {
            // Out of files, usually: wait a moment rather than spin.
            tracing::warn!(%error, "no connection was accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Reads a body within the limits, or says what to answer instead.
pub(crate) async fn read_body(body: Incoming, limits: ConnectionLimits) -> Result<Bytes, Response<Bytes>> {
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let read = Limited::new(body, limits.body).collect();
    match tokio::time::timeout(limits.body_time, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Err(_) => Err(closing(
            "request-timeout",
            "The body did not come in time",
            StatusCode::REQUEST_TIMEOUT,
        )),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(closing(
            "invalid-request",
            "The body could not be read",
            StatusCode::BAD_REQUEST,
        )),
    }
}

fn too_large() -> Response<Bytes> {
    closing("content-too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE)
}

/// A problem after which the connection cannot be used again, because the rest of the body is not read.
fn closing(slug: &'static str, title: &str, status: StatusCode) -> Response<Bytes> {
    let mut response = problem(slug, title, status, Map::new());
    response.extensions_mut().insert(Outcome(slug));
    response
        .headers_mut()
        .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}
