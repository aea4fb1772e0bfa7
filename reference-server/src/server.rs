//! Serving: a bound listener, a service and a shutdown signal go in. Limits of the connection itself stand here: header and
//! body size, slow clients, how many connections at once.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::Map;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::edge::{EdgeRequest, problem};
use crate::service::Service;

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

/// How often lapsed state is swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Serves until `shutdown`, then lets requests under way finish.
pub async fn serve(listener: TcpListener, service: Service, limits: ConnectionLimits, shutdown: impl Future<Output = ()>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(16 * 1024)
        .max_concurrent_streams(128);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            _ = sweep.tick() => {
                service.sweep().await;
                continue;
            }
            () = &mut shutdown => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        // Small answers are not worth waiting for more to send.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        let answer = service_fn(move |request| {
            let service = service.clone();
            async move { Ok::<_, Infallible>(respond(&service, request, peer, limits).await) }
        });
        let connection = graceful.watch(
            builder
                .serve_connection_with_upgrades(TokioIo::new(stream), answer)
                .into_owned(),
        );
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time to finish was over");
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

async fn respond(service: &Service, request: Request<Incoming>, peer: IpAddr, limits: ConnectionLimits) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = match tokio::time::timeout(limits.body_time, Limited::new(body, limits.body).collect()).await {
        Err(_) => {
            return close(plain(
                "request-timeout",
                "The body did not come in time",
                StatusCode::REQUEST_TIMEOUT,
            ));
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return close(plain(
                "content-too-large",
                "The body is too large",
                StatusCode::PAYLOAD_TOO_LARGE,
            ));
        }
        Ok(Err(_)) => {
            return close(plain(
                "invalid-request",
                "The body could not be read",
                StatusCode::BAD_REQUEST,
            ));
        }
        Ok(Ok(body)) => body.to_bytes(),
    };
    let request = EdgeRequest {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
        peer,
    };
    let edge = Arc::clone(&service.parts().edge);
    edge.answer(service, request).await.map(Full::new)
}

fn plain(slug: &str, title: &str, status: StatusCode) -> Response<Bytes> {
    problem(slug, title, status, Map::new())
}

/// The rest of the body is not read, so the connection cannot be used again.
fn close(mut response: Response<Bytes>) -> Response<Full<Bytes>> {
    response
        .headers_mut()
        .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
    response.map(Full::new)
}
