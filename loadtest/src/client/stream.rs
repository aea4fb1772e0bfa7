//! Bytes to and from the service: plain or through TLS; and what an exchange has to know of them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An open connection's bytes.
pub(super) struct Stream {
    transport: Transport,
    traffic: Arc<Traffic>,
}

enum Transport {
    Plain(Tcp),
    Tls(Box<TlsStream<Tcp>>),
}

/// A TCP connection that is looked at in the kernel where an exchange asks for it.
pub(super) struct Tcp {
    tcp: TcpStream,
    traffic: Arc<Traffic>,
}

/// What came and went since an exchange began. Shared, because the HTTP connection owns the stream.
#[derive(Default)]
pub(super) struct Traffic {
    /// The next read asks the kernel, whatever the reactor knows.
    look: AtomicBool,
    /// Bytes of the request were written.
    written: AtomicBool,
    /// Bytes of an answer were read.
    heard: AtomicBool,
}

impl Traffic {
    /// An exchange begins on a connection that stood idle: nothing came or went yet, and it is looked at first.
    pub(super) fn begin(&self) {
        self.look.store(true, Ordering::Relaxed);
        self.written.store(false, Ordering::Relaxed);
        self.heard.store(false, Ordering::Relaxed);
    }

    pub(super) fn written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }
}

impl Tcp {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            traffic: Arc::default(),
        }
    }

    /// What the kernel holds, end of stream included. Tokio's own read returns "not yet" without a system call until the reactor
    /// has turned, and on a busy machine the server's FIN lies there for milliseconds.
    fn read_now(&self, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Between two exchanges nothing but an end is due: room for more would only be cleared for nothing.
        let mut bytes = [0; 256];
        let room = into.remaining().min(bytes.len());
        match rustix::io::read(&self.tcp, &mut bytes[..room]) {
            Ok(count) => {
                into.put_slice(&bytes[..count]);
                Poll::Ready(Ok(()))
            }
            // The reactor wakes the reader: tokio's read, which came before, has left word.
            Err(Errno::AGAIN | Errno::INTR) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let look = this.traffic.look.swap(false, Ordering::Relaxed);
        match Pin::new(&mut this.tcp).poll_read(cx, into) {
            Poll::Pending if look => this.read_now(into),
            polled => polled,
        }
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.tcp).poll_write(cx, bytes);
        this.traffic.note_write(&polled);
        polled
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.tcp).poll_write_vectored(cx, bytes);
        this.traffic.note_write(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

impl Traffic {
    fn note_write(&self, polled: &Poll<io::Result<usize>>) {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.written.store(true, Ordering::Relaxed);
        }
    }
}

impl Stream {
    pub(super) fn plain(tcp: Tcp) -> Self {
        Self {
            traffic: Arc::clone(&tcp.traffic),
            transport: Transport::Plain(tcp),
        }
    }

    pub(super) fn tls(tls: TlsStream<Tcp>) -> Self {
        Self {
            traffic: Arc::clone(&tls.get_ref().0.traffic),
            transport: Transport::Tls(Box::new(tls)),
        }
    }

    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }
}

/// The same call on whichever transport it is.
macro_rules! on_transport {
    ($stream:expr, $call:ident($($argument:expr),*)) => {
        match &mut $stream.get_mut().transport {
            Transport::Plain(tcp) => Pin::new(tcp).$call($($argument),*),
            Transport::Tls(tls) => Pin::new(tls).$call($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = on_transport!(self.as_mut(), poll_read(cx, into));
        // Above TLS, so that its own alerts and tickets are no answer.
        if into.filled().len() > before {
            self.traffic.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_transport!(self, poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        on_transport!(self, poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(tcp) => tcp.is_write_vectored(),
            Transport::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, poll_shutdown(cx))
    }
}
