//! A device's HTTP/1.1 connection: opened when it is needed, kept, and opened anew where the server closed it.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::net::TcpSocket;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::TlsConnector;

use super::Unanswered;
use super::connection::{Answered, Failed, Open, Request};
use super::lines::Service;
use super::stream::{Stream, Tcp};

#[cfg(test)]
mod tests;

/// A device's connection: opened when it is needed.
pub(super) struct Wire {
    service: Arc<Service>,
    source: Option<IpAddr>,
    open: Option<Open>,
    // Where connections share slots, an idle one is theirs to close, and this is what it is asked for by.
    parked: Option<u64>,
    // Kept from one exchange to the next: setting a timer takes a lock that all connections share.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(service: Arc<Service>, source: Option<IpAddr>) -> Self {
        Self {
            service,
            source,
            open: None,
            parked: None,
            timer: None,
        }
    }

    pub(super) fn close(&mut self) {
        drop(self.take_kept());
    }

    fn take_kept(&mut self) -> Option<Open> {
        match &self.service.slots {
            None => self.open.take(),
            Some(slots) => slots.unpark(self.parked.take()?),
        }
    }

    fn keep(&mut self, open: Open) {
        match &self.service.slots {
            None => self.open = Some(open),
            Some(slots) => self.parked = slots.park(open),
        }
    }

    /// The answer to a request, on the open connection or a new one.
    pub(super) async fn exchange(&mut self, request: Request) -> Result<Answered, Unanswered> {
        let within = self.service.waits.answer;
        let deadline = Instant::now() + within;
        let mut timer = self.timer.take().unwrap_or_else(|| Box::pin(sleep_until(deadline)));
        // Out of its place meanwhile: a connection whose exchange was broken off is never used again.
        let kept = self.take_kept();
        let mut connected = kept.is_some();
        let exchange = async {
            let mut request = request;
            let mut written = false;
            if let Some(mut open) = kept {
                match open.exchange_again(request).await {
                    Ok(answer) => return Ok((open, answer)),
                    Err(Failed::Lost(why)) => return Err(Unanswered::Lost(why)),
                    Err(Failed::Unwritten(unwritten, _)) => {
                        self.service.reconnects.count_reopened();
                        request = *unwritten;
                        connected = false;
                    }
                    // Whether the server did it cannot be known, so only what changes nothing is asked twice. HTTP would allow it
                    // for PUT and DELETE too (RFC 9110, 9.2.2), but the second answer of those may differ from the first, and
                    // histories are judged by answers; a code that was entered twice would be another history altogether.
                    Err(Failed::Unheard(unheard, _)) if unheard.method().is_safe() => {
                        self.service.reconnects.count_repeated();
                        request = *unheard;
                        written = true;
                    }
                    Err(Failed::Unheard(_, why)) => {
                        self.service.reconnects.count_in_doubt();
                        return Err(Unanswered::Lost(why));
                    }
                }
            }
            let mut open = self.connect().await.map_err(|why| unsent(why, written))?;
            connected = true;
            match open.exchange(request).await {
                Ok(answer) => Ok((open, answer)),
                Err(Failed::Unwritten(_, why)) => Err(unsent(why, written)),
                Err(Failed::Unheard(_, why) | Failed::Lost(why)) => Err(Unanswered::Lost(why)),
            }
        };
        let ending = by(deadline, &mut timer, exchange).await;
        self.timer = Some(timer);
        match ending {
            Some(Ok((open, answer))) => {
                if !open.is_over() {
                    self.keep(open);
                }
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
            let slot = match &self.service.slots {
                Some(slots) => slots.take().await,
                None => None,
            };
            let stream = self.stream().await.map_err(|error| error.to_string())?;
            Open::on(stream, slot).await
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
        let tcp = Tcp::new(socket.connect(address).await?);
        match &self.service.tls {
            None => Ok(Stream::plain(tcp)),
            Some((config, name)) => {
                let tls = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp).await?;
                Ok(Stream::tls(tls))
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.close();
    }
}

/// A request that did not leave this time, and may have done so before.
fn unsent(why: String, before: bool) -> Unanswered {
    if before {
        Unanswered::Lost(why)
    } else {
        Unanswered::NotSent(why)
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
