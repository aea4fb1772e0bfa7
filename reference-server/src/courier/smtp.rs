//! Email by SMTP: text and HTML, from one sender, over a pool of connections.

use std::time::Duration;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::target::{EmailTarget, TargetFault, refusal};
use super::{Kind, Letter};
use crate::parts::DeliveryError;

/// Connections to one mail server at most.
const CONNECTIONS: u32 = 32;
/// Pause before the one further try.
const BREATH: Duration = Duration::from_millis(100);

/// One mail server.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Address,
}

impl Smtp {
    pub(super) fn new(target: &EmailTarget, within: Duration) -> Result<Self, TargetFault> {
        let (host, port, sender) = target.smtp()?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .timeout(Some(within))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(20)))
            .build();
        Ok(Self { transport, sender })
    }

    /// Sends to one address. A "not now" (4xx) is tried once more with the same message.
    ///
    /// In a task of its own, because whoever waits for it may give up: a conversation that is dropped half-way would go back
    /// into the pool and give the next message the answers to this one. Left alone, it ends by its own timeout.
    pub(super) async fn send(&self, address: &str, letter: &Letter) -> Result<(), DeliveryError> {
        let message = self.message(address, letter)?;
        let conversation = tokio::spawn(converse(self.transport.clone(), message));
        conversation.await.unwrap_or_else(|_| Err(refusal("unknown")))
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

async fn converse(transport: AsyncSmtpTransport<Tokio1Executor>, message: Message) -> Result<(), DeliveryError> {
    let source = message.formatted();
    let mut sent = transport.send_raw(message.envelope(), &source).await;
    if sent.as_ref().is_err_and(Error::is_transient) {
        tokio::time::sleep(BREATH).await;
        sent = transport.send_raw(message.envelope(), &source).await;
    }
    sent.map(drop).map_err(|error| told(&error))
}

fn unfit() -> DeliveryError {
    DeliveryError::Refused("the address cannot be written to".to_owned())
}

fn told(error: &Error) -> DeliveryError {
    if error.is_timeout() {
        return DeliveryError::TimedOut;
    }
    error.status().map_or_else(|| refusal("unknown"), refusal)
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
