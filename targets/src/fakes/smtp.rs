//! Email by SMTP (RFC 5321): a sink that takes everything for everybody and enters it in the delivery log, or in whatever else stands
//! behind it as a [`Mailroom`].
//!
//! Pipelining works, since commands are taken one by one from whatever has arrived. There is no TLS and no relaying.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::Request;
use smtp_proto::request::receiver::DataReceiver;
use specs::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::fault::{Fault, Faults};
use super::mime;
use crate::delivery_log::DeliveryLog;

/// A longer command line is refused (RFC 5321 §4.5.3.1.4 asks for 512).
const LONGEST_LINE: usize = 4096;
/// A larger message is refused.
const LARGEST_MESSAGE: usize = 1 << 20;
/// More recipients of one message are refused (RFC 5321 §4.5.3.1.8 asks for 100).
const MOST_RECIPIENTS: usize = 100;
/// After so many commands that make no sense the connection is closed.
const MOST_MISTAKES: u32 = 20;
/// After a connection could not be accepted.
const BREATH: Duration = Duration::from_millis(10);

/// An SMTP sink. It stops when it is dropped.
pub struct SmtpSink {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl SmtpSink {
    /// Starts one here, delivering into this log.
    pub async fn start(address: SocketAddr, deliveries: DeliveryLog, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Self::serve(listener, Arc::new(DeliveryLogMailroom { deliveries, faults }))
    }

    /// Starts one on this listener, in front of this mailroom.
    pub fn serve<M: Mailroom>(listener: TcpListener, mailroom: Arc<M>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // Dropped with this task, and the conversations with it.
            let mut conversations = tokio::task::JoinSet::new();
            loop {
                while conversations.try_join_next().is_some() {}
                let Ok((socket, _)) = listener.accept().await else {
                    // No files left, most often: trying again at once would keep the thread from everything else.
                    tokio::time::sleep(BREATH).await;
                    continue;
                };
                let _ = socket.set_nodelay(true);
                conversations.spawn(converse(socket, mailroom.clone()));
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, `smtp://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What stands behind a sink and decides what becomes of a message.
pub trait Mailroom: Send + Sync + 'static {
    /// Takes a message, or does not. The conversation waits for it.
    fn take(&self, mail: Mail) -> impl Future<Output = Receipt> + Send;
}

/// A message as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: Vec<u8>,
}

/// What a mailroom did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Taken,
    Refused {
        /// Whether trying again is pointless.
        for_good: bool,
    },
    NoMailbox,
    /// Wants the connection cut instead of an answer.
    Cut,
}

struct DeliveryLogMailroom {
    deliveries: DeliveryLog,
    faults: Faults,
}

async fn converse<M: Mailroom>(mut socket: TcpStream, mailroom: Arc<M>) {
    let mut session = Session::default();
    let mut input = vec![0; 16 * 1024];
    if socket.write_all(b"220 stepproof ESMTP\r\n").await.is_err() {
        return;
    }
    while let Ok(count @ 1..) = socket.read(&mut input).await {
        let mut bytes = &input[..count];
        while !bytes.is_empty() {
            let (used, step) = session.take(bytes);
            bytes = &bytes[used..];
            let step = match step {
                Step::Message => hand_over(&mut session, &*mailroom, &socket).await,
                other => other,
            };
            let (reply, last) = match step {
                Step::More | Step::Message => continue,
                Step::Reply(reply) => (reply, false),
                Step::Close(reply) => (reply, true),
            };
            if socket.write_all(reply.as_bytes()).await.is_err() || last {
                return;
            }
        }
    }
}

async fn hand_over<M: Mailroom>(session: &mut Session, mailroom: &M, socket: &TcpStream) -> Step {
    let (from, to, data) = session.envelope();
    if std::mem::take(&mut session.too_large) {
        return Step::Reply("552 5.3.4 message too large\r\n");
    }
    match mailroom.take(Mail { from, to, data }).await {
        Receipt::Taken => Step::Reply("250 2.0.0 taken\r\n"),
        Receipt::Refused { for_good: true } => Step::Reply("554 5.7.1 refused\r\n"),
        Receipt::Refused { for_good: false } => Step::Reply("451 4.3.0 try again later\r\n"),
        Receipt::NoMailbox => Step::Reply("550 5.1.1 no such mailbox\r\n"),
        Receipt::Cut => {
            let _ = socket.set_zero_linger();
            Step::Close("")
        }
    }
}

impl Mailroom for DeliveryLogMailroom {
    async fn take(&self, mail: Mail) -> Receipt {
        let fault = mail.to.iter().find_map(|to| self.faults.take(Channel::Email, to));
        match fault {
            Some(Fault::Refuse { for_good }) => return Receipt::Refused { for_good },
            Some(Fault::Unregistered) => return Receipt::NoMailbox,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Reset) => return Receipt::Cut,
            Some(Fault::Lose) => return Receipt::Taken,
            Some(Fault::Late(_)) | None => {}
        }
        for to in &mail.to {
            self.deliveries.record(mime::message(&mail.data, &mail.from, to));
        }
        if let Some(Fault::Late(by)) = fault {
            tokio::time::sleep(by).await;
        }
        Receipt::Taken
    }
}

/// What comes of some bytes.
enum Step {
    More,
    /// An answer is due.
    Reply(&'static str),
    Message,
    /// An answer is due, and the conversation is over.
    Close(&'static str),
}

#[derive(Default)]
struct Session {
    line: Vec<u8>,
    too_long: bool,
    mistakes: u32,
    from: Option<String>,
    recipients: Vec<String>,
    data: Option<(DataReceiver, Vec<u8>)>,
    too_large: bool,
}

impl Session {
    /// Takes bytes up to the end of a command or of a message; tells how many.
    fn take(&mut self, bytes: &[u8]) -> (usize, Step) {
        if let Some((receiver, data)) = &mut self.data {
            let mut rest = bytes.iter();
            let complete = receiver.ingest(&mut rest, data);
            if data.len() > LARGEST_MESSAGE {
                self.too_large = true;
                data.clear();
            }
            let step = if complete { Step::Message } else { Step::More };
            return (bytes.len() - rest.as_slice().len(), step);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |at| at + 1);
        self.too_long |= self.line.len() + used > LONGEST_LINE;
        if !self.too_long {
            self.line.extend_from_slice(&bytes[..used]);
        }
        let step = if end.is_some() { self.command() } else { Step::More };
        (used, step)
    }

    fn command(&mut self) -> Step {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) {
            return self.mistake("500 5.5.6 line too long\r\n");
        }
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.answer(request.into_owned()),
            Err(smtp_proto::Error::UnknownCommand) => self.mistake("500 5.5.1 unknown command\r\n"),
            Err(smtp_proto::Error::UnsupportedParameter { .. }) => self.mistake("555 5.5.4 unsupported parameter\r\n"),
            Err(_) => self.mistake("501 5.5.2 syntax error\r\n"),
        }
    }

    fn answer(&mut self, request: Request<String>) -> Step {
        let ok = Step::Reply("250 2.0.0 ok\r\n");
        match request {
            Request::Ehlo { .. } => {
                self.forget();
                Step::Reply("250-stepproof\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1048576\r\n")
            }
            Request::Helo { .. } => {
                self.forget();
                Step::Reply("250 stepproof\r\n")
            }
            Request::Mail { .. } if self.from.is_some() => self.mistake("503 5.5.1 MAIL is given already\r\n"),
            Request::Mail { from } if from.size > LARGEST_MESSAGE => Step::Reply("552 5.3.4 message too large\r\n"),
            Request::Mail { from } => {
                self.from = Some(from.address);
                ok
            }
            Request::Rcpt { .. } if self.from.is_none() => self.mistake("503 5.5.1 MAIL first\r\n"),
            Request::Rcpt { .. } if self.recipients.len() >= MOST_RECIPIENTS => Step::Reply("452 4.5.3 too many recipients\r\n"),
            Request::Rcpt { to } => {
                self.recipients.push(to.address);
                ok
            }
            Request::Data if self.recipients.is_empty() => self.mistake("503 5.5.1 RCPT first\r\n"),
            Request::Data => {
                self.data = Some((DataReceiver::new(), Vec::new()));
                Step::Reply("354 go ahead\r\n")
            }
            Request::Rset => {
                self.forget();
                ok
            }
            Request::Noop { .. } => ok,
            Request::Vrfy { .. } => Step::Reply("252 2.1.5 send and see\r\n"),
            Request::Help { .. } => Step::Reply("214 2.0.0 RFC 5321\r\n"),
            Request::Quit => Step::Close("221 2.0.0 bye\r\n"),
            _ => self.mistake("502 5.5.1 not offered\r\n"),
        }
    }

    fn mistake(&mut self, reply: &'static str) -> Step {
        self.mistakes += 1;
        if self.mistakes > MOST_MISTAKES {
            Step::Close("421 4.7.0 too many mistakes\r\n")
        } else {
            Step::Reply(reply)
        }
    }

    fn forget(&mut self) {
        self.from = None;
        self.recipients.clear();
        self.data = None;
    }

    fn envelope(&mut self) -> (String, Vec<String>, Vec<u8>) {
        let from = self.from.take().unwrap_or_default();
        let data = self.data.take().map(|(_, data)| data).unwrap_or_default();
        (from, std::mem::take(&mut self.recipients), data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the talk in pieces of this size; gives the replies, and the messages as `from > to: data`.
    fn take(talk: &[u8], size: usize) -> (String, Vec<String>) {
        let mut session = Session::default();
        let (mut replies, mut messages) = (String::new(), Vec::new());
        for mut piece in talk.chunks(size) {
            while !piece.is_empty() {
                let (used, step) = session.take(piece);
                assert!(used > 0, "no progress at {piece:?}");
                piece = &piece[used..];
                match step {
                    Step::More => {}
                    Step::Reply(reply) | Step::Close(reply) => replies.push_str(&reply[..3]),
                    Step::Message => {
                        let (from, to, data) = session.envelope();
                        messages.push(format!("{from} > {}: {}", to.join(" "), String::from_utf8_lossy(&data)));
                    }
                }
            }
        }
        (replies, messages)
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut() {
        let talk = b"EHLO x\r\nMAIL FROM:<f@x>\r\nRCPT TO:<a@x>\r\nDATA\r\nS: 1\r\n\r\n..\r\n...\r\na\r\n.b\r\n.\r\nnonsense\r\n\
            MAIL FROM:<g@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n\r\n.\r\nQUIT\r\n";
        let whole = take(talk, talk.len());
        assert_eq!(whole.0, "250250250354500250250354221");
        assert_eq!(whole.1[0], "f@x > a@x: S: 1\r\n\r\n.\r\n..\r\na\r\nb\r\n");
        for size in 1..talk.len() {
            assert_eq!(take(talk, size), whole, "in pieces of {size}");
        }
    }
}
