//! One request, many times at once: every copy is sent but for its last byte, and when all stand there the last bytes go
//! out together. So the copies are inside the server at the same time however slow the connections were to open.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use futures_util::future::join_all;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::sync::Notify;
use tower_service::Service;

use crate::device::Device;
use crate::http::{HttpClient, chain, read, to_request};
use crate::request::Request;
use crate::target::TargetError;
use crate::transcript::Exchange;

impl HttpClient {
    /// Sends `times` copies over as many connections of their own, released together. Each ends in its own way.
    pub async fn last_byte_sync(
        &self,
        device: &Device,
        prepared: &Request,
        times: usize,
    ) -> Result<Vec<Result<Arc<Exchange>, TargetError>>, TargetError> {
        let _ = to_request(prepared)?;
        let barrier = Arc::new(Barrier::default());
        let copies = (0..times).map(|_| self.copy(device, prepared, &barrier));
        let release = async {
            // A copy that cannot be brought to the line counts as standing there: the others do not wait for it for ever.
            let all = barrier.gathered(times);
            let _ = tokio::time::timeout(self.limits().within / 2, all).await;
            barrier.release();
        };
        let (endings, ()) = tokio::join!(join_all(copies), release);
        Ok(endings)
    }

    async fn copy(&self, device: &Device, prepared: &Request, barrier: &Arc<Barrier>) -> Result<Arc<Exchange>, TargetError> {
        let began = Instant::now();
        let mut exchange = self.blank(device, prepared, began);
        let flow = self.held_back(device, prepared, barrier, &mut exchange);
        let ending = tokio::time::timeout(self.limits().within, flow).await;
        self.conclude(exchange, began, ending.unwrap_or_else(|_| Err(self.late())))
    }

    async fn held_back(
        &self,
        device: &Device,
        prepared: &Request,
        barrier: &Arc<Barrier>,
        exchange: &mut Exchange,
    ) -> Result<(), String> {
        let guard = BarrierGuard {
            barrier: barrier.clone(),
            counted: false,
        };
        let mut request = to_request(prepared).map_err(|error| error.to_string())?;
        let uri = request.uri().clone();
        let stream = self.connector(device.source).call(uri.clone()).await;
        let stream = stream.map_err(|error| chain(&*error))?;
        if !request.headers().contains_key(http::header::HOST)
            && let Some(host) = uri.authority().and_then(|a| http::HeaderValue::from_str(a.as_str()).ok())
        {
            request.headers_mut().insert(http::header::HOST, host);
        }
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = target.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let gate = Gate::new(stream, prepared.body.len(), guard);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(gate).await.map_err(|e| chain(&e))?;
        let driver = tokio::spawn(connection);
        let sent = sender.send_request(request).await;
        let ending = match sent {
            Ok(answer) => read(answer, self.limits().body, exchange).await,
            Err(error) => Err(chain(&error)),
        };
        driver.abort();
        ending
    }
}

/// The line where copies wait for each other.
#[derive(Default)]
struct Barrier {
    arrived_count: AtomicUsize,
    arrived: Notify,
    released: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Barrier {
    fn arrive(&self) {
        self.arrived_count.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
    }

    async fn gathered(&self, all: usize) {
        while self.arrived_count.load(Ordering::SeqCst) < all {
            self.arrived.notified().await;
        }
    }

    fn release(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.released.store(true, Ordering::SeqCst);
        waiting.drain(..).for_each(Waker::wake);
    }

    /// Whether the last byte may go; if not, the task is woken when it may.
    fn may_pass(&self, context: &Context<'_>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let released = self.released.load(Ordering::SeqCst);
        if !released && !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        released
    }
}

/// One copy's place at the line. However the copy ends, it counts as standing there, so that nobody waits for it.
struct BarrierGuard {
    barrier: Arc<Barrier>,
    counted: bool,
}

impl BarrierGuard {
    fn arrive(&mut self) {
        if !std::mem::replace(&mut self.counted, true) {
            self.barrier.arrive();
        }
    }
}

impl Drop for BarrierGuard {
    fn drop(&mut self) {
        self.arrive();
    }
}

/// A stream that keeps the last byte of the request back until the barrier opens.
struct Gate<S> {
    stream: S,
    guard: BarrierGuard,
    /// Bytes taken from hyper and not yet written; one at least until the barrier opens.
    held: BytesMut,
    /// The head as far as it came; where it ends tells how long the request is.
    head: Vec<u8>,
    body: usize,
    taken: usize,
    whole: Option<usize>,
}

impl<S: Read + Write + Unpin> Gate<S> {
    fn new(stream: S, body: usize, guard: BarrierGuard) -> Self {
        Self {
            stream,
            guard,
            held: BytesMut::new(),
            head: Vec::new(),
            body,
            taken: 0,
            whole: None,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        self.taken += bytes.len();
        if self.whole.is_none() {
            self.head.extend_from_slice(bytes);
            let end = self.head.windows(4).position(|four| four == b"\r\n\r\n");
            self.whole = end.map(|at| at + 4 + self.body);
        }
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let kept = usize::from(!self.guard.barrier.may_pass(context));
        while self.held.len() > kept {
            let end = self.held.len() - kept;
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.held[..end]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Read + Write + Unpin> Write for Gate<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        match self.drain(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.whole.is_some_and(|whole| self.taken >= whole) {
            self.guard.arrive();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Read + Write + Unpin> Read for Gate<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, cursor: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        // Waiting for the answer is what the connection does at the barrier, so this is where the last byte leaves from.
        if !self.held.is_empty() && self.drain(context)?.is_ready() {
            let _ = Pin::new(&mut self.stream).poll_flush(context)?;
        }
        Pin::new(&mut self.stream).poll_read(context, cursor)
    }
}
