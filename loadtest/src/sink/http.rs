//! The HTTP sink: hyper's HTTP/1.1 on connections that stay open.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use targets::fakes::provider::{BadCall, Provider};
use tokio::net::TcpListener;

use super::contents::Contents;
use super::faults::Outcome;
use super::post::Post;

/// A larger body is refused. Messages are a few kilobytes.
const LARGEST_BODY: usize = 1 << 20;
/// After a connection could not be accepted (there are no files left, most often).
const BREATH: Duration = Duration::from_millis(10);

/// Serves for as long as it is polled; connections end with the runtime.
pub(super) async fn serve(listener: TcpListener, post: Post) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let _ = socket.set_nodelay(true);
        let post = post.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let post = &post;
                async move { Ok::<_, Infallible>(respond(request, post).await.map(Full::new)) }
            });
            // What goes wrong with a connection is its client's affair.
            let connection = http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(socket), service);
            let _ = connection.await;
        });
    }
}

type Response = http::Response<Bytes>;

async fn respond(request: Request<Incoming>, post: &Post) -> Response {
    let (head, body) = request.into_parts();
    let Some(provider) = Provider::at(head.uri.path()) else {
        post.mailbox.note_malformed();
        let mut unknown = Response::default();
        *unknown.status_mut() = StatusCode::NOT_FOUND;
        return unknown;
    };
    let letters = if head.method == Method::POST {
        let body = collect(body).await;
        body.and_then(|body| {
            let (mut letters, at) = (Vec::with_capacity(1), Instant::now());
            provider.read(&head.headers, &body, |sent| {
                letters.push(Contents::of(sent, post.mailbox.patterns()).letter(sent.channel, sent.to, at));
            })?;
            Ok(letters)
        })
    } else {
        Err(BadCall(StatusCode::METHOD_NOT_ALLOWED, "only POST is known here", None))
    };
    let letters = match letters {
        Ok(letters) => letters,
        Err(bad) => {
            post.mailbox.note_malformed();
            return provider.bad(&bad);
        }
    };
    let fate = post.faults.fate(provider.channel());
    let response = match fate.outcome {
        Outcome::Hang => std::future::pending().await,
        Outcome::Refuse => provider.refused(false),
        Outcome::Unregistered => provider.unregistered(),
        Outcome::Lose => provider.accepted(),
        Outcome::Deliver { after } => {
            post.deliver(letters, after);
            provider.accepted()
        }
    };
    if !fate.answer_after.is_zero() {
        tokio::time::sleep(fate.answer_after).await;
    }
    response
}

async fn collect(body: Incoming) -> Result<Bytes, BadCall> {
    let too_large = || BadCall(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large", None);
    // One that says so is not waited for.
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => Err(BadCall(StatusCode::BAD_REQUEST, "the body is cut off", None)),
    }
}
