//! The connection to the master: a DEALER socket that is built anew whenever the master goes away. The library's socket notices that and
//! does not come back by itself.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use zeromq::util::PeerIdentity;
use zeromq::{DealerSocket, Socket as _, SocketOptions, SocketRecv as _, SocketSend as _, ZmqMessage};

use super::protocol::{Malformed, ToMaster, ToWorker};

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);

/// A master at the other end, as far as anybody knows.
pub(super) struct Link {
    send: zeromq::DealerSendHalf,
    received: mpsc::Receiver<Result<ToWorker, Malformed>>,
    reader: tokio::task::JoinHandle<()>,
    node_id: String,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Link {
    /// Connects once.
    pub(super) async fn open(master: &str, node_id: &str) -> anyhow::Result<Self> {
        let mut options = SocketOptions::default();
        let identity: PeerIdentity = node_id.parse().context("the worker's id is too long")?;
        options.peer_identity(identity);
        options.connect_timeout(CONNECT);
        let mut socket = DealerSocket::with_options(options);
        let mut events = socket.monitor();
        tokio::time::timeout(CONNECT, socket.connect(&format!("tcp://{master}")))
            .await
            .context("no answer in time")?
            .with_context(|| format!("no master at {master}"))?;
        let (send, mut receive) = socket.split();
        let (forward, received) = mpsc::channel(64);
        // Reading is not given up half-way when the worker turns to something else, and a closed connection is noticed at once: the
        // socket itself would wait for another peer for ever.
        let reader = tokio::spawn(async move {
            loop {
                let frame = tokio::select! {
                    frame = receive.recv() => match frame {
                        Ok(frame) => frame,
                        Err(_) => return,
                    },
                    event = futures_util::StreamExt::next(&mut events) => match event {
                        Some(zeromq::SocketEvent::Disconnected(_)) | None => return,
                        Some(_) => continue,
                    },
                };
                let message = match frame.into_vec().as_slice() {
                    [frame] => ToWorker::decode(frame),
                    frames => Err(Malformed::new(format!("{} frames in a message", frames.len()))),
                };
                if forward.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            send,
            received,
            reader,
            node_id: node_id.to_owned(),
        })
    }

    /// What the master says next; `None` when it is gone.
    pub(super) async fn receive(&mut self) -> Option<Result<ToWorker, Malformed>> {
        self.received.recv().await
    }

    /// Says something. An error means that the master is gone.
    pub(super) async fn send(&mut self, message: &ToMaster) -> Result<(), Gone> {
        let frame = ZmqMessage::from(message.encode(&self.node_id));
        match tokio::time::timeout(CONNECT, self.send.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// The master is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;
