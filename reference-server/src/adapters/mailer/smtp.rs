//! Email by SMTP: text and HTML, from one sender, over a few connections that are used again.
//!
//! Connections are kept here and not in lettre's pool, for two reasons. Its sockets wait to fill a packet, which costs 40 ms a
//! message; and a conversation that is given up half-way goes back into it, so that the next message gets its answers.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::target::{EmailTarget, TargetFault, refusal};
use super::templates::KIND_HEADER;
use super::{RETRY_PAUSE, RenderedMessage};
use crate::parts::{DeliveryError, MessageKind};
use crate::sync::lock;

/// Connections to one mail server; further messages wait.
const MAX_CONNECTIONS: usize = 32;
/// How long an unused connection is worth keeping.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// One mail server.
pub(super) struct Smtp {
    server: (String, u16),
    sender: Address,
    slots: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    pub(super) fn new(target: &EmailTarget) -> Result<Self, TargetFault> {
        let (host, port, sender) = target.smtp()?;
        Ok(Self {
            server: (host.to_owned(), port),
            sender,
            slots: Semaphore::new(MAX_CONNECTIONS),
            idle: Mutex::default(),
        })
    }

    /// Sends to one address; who calls sets the time. A "not now" (4xx) is tried once more with the same message.
    pub(super) async fn send(&self, address: &str, message: &RenderedMessage) -> Result<(), DeliveryError> {
        let message = self.mime(address, message)?;
        let _slot = self.slots.acquire().await;
        let source = message.formatted();
        let mut sent = self.converse(&message, &source).await;
        if sent.as_ref().is_err_and(|failure| failure.transient) {
            tokio::time::sleep(RETRY_PAUSE).await;
            sent = self.converse(&message, &source).await;
        }
        sent.map_err(|failure| failure.error)
    }

    /// One conversation. The connection is kept only when it came to its end; given up half-way, it is dropped and closed.
    async fn converse(&self, message: &Message, source: &[u8]) -> Result<(), Failure> {
        let mut connection = self.connection().await?;
        let sent = connection.send(message.envelope(), source).await;
        if !connection.has_broken() {
            lock(&self.idle).push((connection, Instant::now()));
        }
        sent?;
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Failure> {
        loop {
            // A statement of its own: the lock may not be held over the await below.
            let Some((mut connection, since)) = lock(&self.idle).pop() else {
                break;
            };
            if since.elapsed() < MAX_IDLE && connection.test_connected().await {
                return Ok(connection);
            }
        }
        let (host, port) = &self.server;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let hello = ClientId::Domain(self.sender.domain().to_owned());
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?)
    }

    fn mime(&self, address: &str, message: &RenderedMessage) -> Result<Message, DeliveryError> {
        let unfit = || DeliveryError::Refused("the address cannot be written to".to_owned());
        let to: Address = address.parse().map_err(|_| unfit())?;
        Message::builder()
            .from(Mailbox::new(Some(message.service.clone()), self.sender.clone()))
            .to(Mailbox::new(None, to))
            .subject(&message.subject)
            .message_id(Some(format!("<{:032x}@{}>", rand::random::<u128>(), self.sender.domain())))
            .header(KindHeader(message.kind))
            .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
            .map_err(|_| unfit())
    }
}

/// Why a conversation failed, and whether the server says that it may go better in a moment.
struct Failure {
    error: DeliveryError,
    transient: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error: error.status().map_or_else(|| refusal("unknown"), refusal),
            transient: error.is_transient(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            error: DeliveryError::Refused(error.kind().to_string()),
            transient: false,
        }
    }
}

#[derive(Clone, Copy)]
struct KindHeader(MessageKind);

impl Header for KindHeader {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str(KIND_HEADER)
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let kind = MessageKind::ALL.into_iter().find(|kind| kind.name() == text);
        kind.map(Self).ok_or_else(|| "no kind of message".into())
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.name().to_owned())
    }
}
