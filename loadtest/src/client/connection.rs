//! One connection that stands, and one exchange after the other over it.
//!
//! The connection is driven by whoever waits for its answer: no task of its own, so that an exchange costs no change of tasks. What
//! the server did to an idle connection is therefore looked for at the next exchange, before anything is written.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::slots::Slot;
use super::stream::{Stream, Traffic};

/// Bytes of an answer's body.
const MOST: usize = 1 << 20;

pub(super) type Request = http::Request<Full<Bytes>>;

/// A complete answer, as far as it is read.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) retry_after_s: Option<u64>,
    pub(super) body: Bytes,
}

/// A connection that stands, or stood.
pub(super) struct Open {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>,
    traffic: Arc<Traffic>,
    over: bool,
    // Given back when it is closed.
    _slot: Option<Slot>,
}

/// How an attempt on a connection failed.
pub(super) enum Failed {
    /// Nothing of the request was written.
    Unwritten(Box<Request>, String),
    /// It was written, and the connection, which had served before, ended without a byte of an answer.
    Unheard(Box<Request>, String),
    Lost(String),
}

impl Open {
    pub(super) async fn on(stream: Stream, slot: Option<Slot>) -> Result<Self, String> {
        let traffic = stream.traffic();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| told(&error))?;
        Ok(Self {
            sender,
            connection: Box::pin(connection),
            traffic,
            over: false,
            _slot: slot,
        })
    }

    /// Whether another exchange can be tried on it.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// One more exchange on a connection that has served before, and that the server may have closed meanwhile.
    pub(super) async fn exchange_again(&mut self, request: Request) -> Result<Answered, Failed> {
        self.traffic.begin();
        if !self.usable().await {
            return Err(Failed::Unwritten(Box::new(request), "closed by the server".to_owned()));
        }
        let again = Box::new(request.clone());
        match self.exchange(request).await {
            Err(Failed::Lost(why)) if !self.traffic.written() => Err(Failed::Unwritten(again, why)),
            Err(Failed::Lost(why)) if !self.traffic.heard() => Err(Failed::Unheard(again, why)),
            ended => ended,
        }
    }

    /// Whether it still stands, by the kernel's word of now.
    async fn usable(&mut self) -> bool {
        let ready = poll_fn(|cx| {
            self.drive(cx);
            match self.sender.poll_ready(cx) {
                Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
                Poll::Pending if self.over => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        });
        ready.await && !self.over
    }

    pub(super) async fn exchange(&mut self, request: Request) -> Result<Answered, Failed> {
        let mut answering = pin!(self.sender.try_send_request(request));
        let answer = poll_fn(|cx| {
            // It moves the bytes; the answer comes out of it.
            drive(&mut self.connection, &mut self.over, cx);
            answering.as_mut().poll(cx)
        });
        let answer = answer.await.map_err(|mut error| match error.take_message() {
            Some(request) => Failed::Unwritten(Box::new(request), told(error.error())),
            None => Failed::Lost(told(error.error())),
        })?;
        let (head, body) = answer.into_parts();
        let retry_after = head.headers.get(http::header::RETRY_AFTER);
        Ok(Answered {
            status: head.status.as_u16(),
            retry_after_s: retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok()),
            body: self.read(body).await.map_err(Failed::Lost)?,
        })
    }

    async fn read(&mut self, mut body: Incoming) -> Result<Bytes, String> {
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        while !body.is_end_stream() {
            let Some(frame) = poll_fn(|cx| self.frame(&mut body, cx)).await else {
                break;
            };
            let frame = frame.map_err(|error| format!("the answer broke off: {}", told(&error)))?;
            let Ok(data) = frame.into_data() else { continue };
            if first.len() + rest.len() + data.len() > MOST {
                return Err(format!("the answer is larger than {MOST} bytes"));
            }
            // Mostly the whole body is one piece, which is not copied.
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok([first, rest.freeze()].concat().into())
    }

    fn frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>> {
        // The connection reads on only when it is asked for more.
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        self.drive(cx);
        Pin::new(body).poll_frame(cx)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, &mut self.over, cx);
    }
}

/// Lets the connection do what it can. Its errors come out of the exchange that they belong to.
fn drive(connection: &mut Pin<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>, over: &mut bool, cx: &mut Context<'_>) {
    if !*over {
        *over = connection.as_mut().poll(cx).is_ready();
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
