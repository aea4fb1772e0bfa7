//! Connections: accepted up to a number, and up to a number from one source; cut off when they are slow or idle; ended in order.
//! What is answered is the caller's business.

mod activity;
mod shares;

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::settings::Network;
use activity::Activity;
use shares::{Share, Shares};

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Bytes of a body.
    pub body: usize,
    /// Time to send all headers.
    pub header_time: Duration,
    /// Time to send the body.
    pub body_time: Duration,
    /// Time that a connection is kept without a request. On HTTP/1 the time for the next headers ends it sooner.
    pub idle_time: Duration,
    /// Headers of a request.
    pub headers: usize,
    /// Connections at once; further ones wait.
    pub connections: usize,
    /// Connections at once from one source, an IPv4 address or an IPv6 /64; further ones are closed. Trusted proxies are not
    /// bound. The default leaves three quarters to everybody else, and room for a load test from one address.
    pub per_source: usize,
    /// Time that requests under way get when the server stops.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            body: 16 * 1024,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            headers: 64,
            connections: 4096,
            per_source: 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Bytes of a request's head.
const HEAD_MOST: usize = 32 * 1024;

/// Accepts connections until `shutdown`, answers their requests, and lets those under way finish. `proxies` may hold as many as
/// they like.
pub(crate) async fn accept_until<F, A>(
    listener: TcpListener,
    limits: ConnectionLimits,
    proxies: Vec<Network>,
    shutdown: impl Future<Output = ()>,
    answer: F,
) where
    F: Fn(Request<Incoming>, IpAddr) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Bytes>> + Send + 'static,
{
    let builder = builder(limits);
    let slots = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let shares = Shares::new(limits.per_source, proxies);
    // Every connection holds a receiver for as long as it lives.
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut shutdown => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let Some(share) = shares.take(peer) else {
            tracing::debug!(peer = %crate::domain::coarse(peer), "connection closed: its source holds as many as it may");
            continue;
        };
        let (builder, answer, stopping) = (builder.clone(), answer.clone(), stopping.clone());
        tokio::spawn(async move {
            let _held: (OwnedSemaphorePermit, Share) = (slot, share);
            serve_connection(&builder, stream, limits, stopping, move |request| answer(request, peer)).await;
        });
    }
    drop((listener, stopping));
    stop.send_replace(());
    if tokio::time::timeout(limits.drain, stop.closed()).await.is_err() {
        tracing::warn!("requests were still under way when the time to finish was over");
    }
}

/// Serves one connection until its peer ends it, it idles or the server stops; in the latter cases what is under way is finished.
async fn serve_connection<F, A>(
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    limits: ConnectionLimits,
    mut stopping: watch::Receiver<()>,
    answer: F,
) where
    F: Fn(Request<Incoming>) -> A + Send + 'static,
    A: Future<Output = Response<Bytes>> + Send + 'static,
{
    // Small answers are not worth waiting for more to send.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let requests = activity.clone();
    let service = service_fn(move |request| {
        let under_way = requests.begin();
        let answered = answer(request);
        async move {
            let response = answered.await.map(Full::new);
            drop(under_way);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let idles = tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = activity.idle(limits) => true,
        _ = stopping.changed() => false,
    };
    connection.as_mut().graceful_shutdown();
    if idles {
        // Its peer has nothing under way, so that this is for the peer to hear that it is over.
        match tokio::time::timeout(limits.header_time, connection).await {
            Ok(ended) => log_end(ended),
            Err(_) => tracing::debug!("idle connection cut off"),
        }
    } else {
        log_end(connection.await);
    }
}

fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
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

type Accepted = (TcpStream, IpAddr, OwnedSemaphorePermit);

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
