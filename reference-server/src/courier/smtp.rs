//! Email by SMTP: text and HTML, from one sender, over a few connections that are used again.
//!
//! Connections are kept here and not in lettre's pool, for two reasons. Its sockets wait to fill a packet, which costs 40 ms a
//! message; and a conversation that is given up half-way goes back into it, so that the next message gets its answers.

use std::io;
use std::sync::{Mutex, PoisonError};
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
use super::{Kind, Letter};
use crate::ports::DeliveryError;

/// Connections to one mail server at most; further messages wait.
const CONNECTIONS: usize = 32;
/// How long an unused connection is worth keeping.
const IDLE: Duration = Duration::from_secs(20);
/// Pause before the one further try.
const BREATH: Duration = Duration::from_millis(100);

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
            slots: Semaphore::new(CONNECTIONS),
            idle: Mutex::default(),
        })
    }

    /// Sends to one address; who calls sets the time. A "not now" (4xx) is tried once more with the same message.
    pub(super) async fn send(&self, address: &str, letter: &Letter) -> Result<(), DeliveryError> {
        let message = self.message(address, letter)?;
        let _slot = self.slots.acquire().await;
        let source = message.formatted();
        let mut sent = self.converse(&message, &source).await;
        if sent.as_ref().is_err_and(|failure| failure.passes) {
            tokio::time::sleep(BREATH).await;
            sent = self.converse(&message, &source).await;
        }
        sent.map_err(|failure| failure.error)
    }

    /// One conversation. The connection is kept only when it came to its end; given up half-way, it is dropped and closed.
    async fn converse(&self, message: &Message, source: &[u8]) -> Result<(), Failure> {
        let mut connection = self.connection().await?;
        let sent = connection.send(message.envelope(), source).await;
        if !connection.has_broken() {
            self.idle().push((connection, Instant::now()));
        }
        sent?;
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Failure> {
        loop {
            let Some((mut connection, since)) = self.idle().pop() else {
                break;
            };
            if since.elapsed() < IDLE && connection.test_connected().await {
                return Ok(connection);
            }
        }
        let (host, port) = &self.server;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let hello = ClientId::Domain(self.sender.domain().to_owned());
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn message(&self, address: &str, letter: &Letter) -> Result<Message, DeliveryError> {
        let to: Address = address.parse().map_err(|_| unfit())?;
        Message::builder()
            .from(Mailbox::new(Some(letter.service.clone()), self.sender.clone()))
            .to(Mailbox::new(None, to))
            .subject(&letter.subject)
            .message_id(Some(format!("<{:032x}@{}>", rand::random::<u128>(), self.sender.domain())))
            .header(MessageKind(letter.kind))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(|_| unfit())
    }
}

/// Why a conversation failed, and whether the server says that it may go better in a moment.
struct Failure {
    error: DeliveryError,
    passes: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error: error.status().map_or_else(|| refusal("unknown"), refusal),
            passes: error.is_transient(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            error: DeliveryError::Refused(error.kind().to_string()),
            passes: false,
        }
    }
}

fn unfit() -> DeliveryError {
    DeliveryError::Refused("the address cannot be written to".to_owned())
}

/// The header by which mail programs and tests sort messages.
#[derive(Clone, Copy)]
struct MessageKind(Kind);

impl Header for MessageKind {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str(Kind::HEADER)
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        kind.map(Self).ok_or_else(|| "no kind of message".into())
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.name().to_owned())
    }
}
