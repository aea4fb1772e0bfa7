//! One HTTP/1.1 connection of one device.
//!
//! The connection is driven by whoever waits for its answer: no task of its own, so that an exchange costs no change of tasks. What
//! the server did to an idle connection is therefore seen at the next exchange, before anything is written.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::TlsConnector;

use super::Unanswered;
use super::lines::Service;
use super::stream::Stream;

/// Bytes of an answer's body.
const MOST: usize = 1 << 20;

type Request = http::Request<Full<Bytes>>;

/// A device's connection: opened when it is needed.
pub(super) struct Wire {
    service: Arc<Service>,
    source: Option<IpAddr>,
    open: Option<Open>,
    // Kept from one exchange to the next: setting a timer takes a lock that all connections share.
    timer: Option<Pin<Box<Sleep>>>,
}

/// A complete answer, as far as it is read.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) retry_after_s: Option<u64>,
    pub(super) body: Bytes,
}

/// A connection that stands.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>,
    over: bool,
}

/// How an attempt on a connection failed.
enum Failed {
    /// Nothing of the request was written.
    Unwritten(Box<Request>, String),
    Lost(String),
}

impl Wire {
    pub(super) fn new(service: Arc<Service>, source: Option<IpAddr>) -> Self {
        Self {
            service,
            source,
            open: None,
            timer: None,
        }
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// The answer to a request, on the open connection or a new one.
    pub(super) async fn exchange(&mut self, request: Request) -> Result<Answered, Unanswered> {
        let within = self.service.waits.answer;
        let deadline = Instant::now() + within;
        let mut timer = self.timer.take().unwrap_or_else(|| Box::pin(sleep_until(deadline)));
        // Out of its place meanwhile: a connection whose exchange was broken off is never used again.
        let kept = self.open.take();
        let mut connected = kept.is_some();
        let exchange = async {
            let mut request = request;
            if let Some(mut open) = kept {
                match open.exchange_if_usable(request).await {
                    Ok(answer) => return Ok((open, answer)),
                    Err(Failed::Lost(why)) => return Err(Unanswered::Lost(why)),
                    Err(Failed::Unwritten(unwritten, _)) => request = *unwritten,
                }
                connected = false;
            }
            let mut open = self.connect().await.map_err(Unanswered::NotSent)?;
            connected = true;
            match open.exchange(request).await {
                Ok(answer) => Ok((open, answer)),
                Err(Failed::Lost(why)) => Err(Unanswered::Lost(why)),
                Err(Failed::Unwritten(_, why)) => Err(Unanswered::NotSent(why)),
            }
        };
        let ending = by(deadline, &mut timer, exchange).await;
        self.timer = Some(timer);
        match ending {
            Some(Ok((open, answer))) => {
                self.open = (!open.over).then_some(open);
                Ok(answer)
            }
            Some(Err(why)) => Err(why),
            None => {
                let why = format!("no complete answer within {} ms", within.as_millis());
                Err(if connected {
                    Unanswered::Lost(why)
                } else {
                    Unanswered::NotSent(why)
                })
            }
        }
    }

    async fn connect(&self) -> Result<Open, String> {
        let within = self.service.waits.connect;
        let connecting = async {
            let stream = self.stream().await.map_err(|error| error.to_string())?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| told(&error))?;
            Ok(Open {
                sender,
                connection: Box::pin(connection),
                over: false,
            })
        };
        let ending = tokio::time::timeout(within, connecting).await;
        ending.unwrap_or_else(|_| Err(format!("no connection within {} ms", within.as_millis())))
    }

    async fn stream(&self) -> std::io::Result<Stream> {
        let address = self.service.address;
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(source) = self.source {
            socket.bind((source, 0).into())?;
        }
        socket.set_nodelay(true)?;
        let tcp = socket.connect(address).await?;
        match &self.service.tls {
            None => Ok(Stream::Plain(tcp)),
            Some((config, name)) => {
                let tls = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp).await?;
                Ok(Stream::Tls(Box::new(tls)))
            }
        }
    }
}

impl Open {
    async fn exchange_if_usable(&mut self, request: Request) -> Result<Answered, Failed> {
        let usable = poll_fn(|cx| {
            self.drive(cx);
            match self.sender.poll_ready(cx) {
                Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
                Poll::Pending if self.over => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        });
        if usable.await && !self.over {
            self.exchange(request).await
        } else {
            Err(Failed::Unwritten(Box::new(request), "closed by the server".to_owned()))
        }
    }

    async fn exchange(&mut self, request: Request) -> Result<Answered, Failed> {
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

/// What comes out in time. The timer may be set to the deadline of an earlier exchange, which is earlier than this one: mostly the
/// answer is there before even that, and nothing has to be set.
async fn by<T>(deadline: Instant, timer: &mut Pin<Box<Sleep>>, exchange: impl Future<Output = T>) -> Option<T> {
    let mut exchange = pin!(exchange);
    poll_fn(|cx| {
        if let Poll::Ready(came) = exchange.as_mut().poll(cx) {
            return Poll::Ready(Some(came));
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await
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
