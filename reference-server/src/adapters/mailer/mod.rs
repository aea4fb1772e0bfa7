//! The mailer that reaches the outside world over two channels, email and push, whose targets can be replaced while the server
//! runs. Unlike a production service it speaks to its providers without TLS: they are fakes on the same machine.
//!
//! - `templates`: the words of messages; `neutral`: what a requester chose, made harmless before it stands in one.
//! - `target`: where messages go, as an operator writes it.
//! - `smtp`, `sendgrid`, `fcm`: the providers; `http_call`: one call to the latter two.
//! - `mailbox`: for development, keeps messages where they can be read.

mod fcm;
mod http_call;
mod mailbox;
mod neutral;
mod sendgrid;
mod smtp;
mod target;
mod templates;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

pub use mailbox::Mailbox;
pub use neutral::neutralise;
pub use target::{EmailKind, EmailTarget, PushTarget, TargetFault};
pub use templates::{RenderedMessage, Templates};

use crate::parts::{DeliveryError, Mailer, Message, Recipient};
use crate::sync::lock;
use fcm::Fcm;
use http_call::HttpCaller;
use sendgrid::SendGrid;
use smtp::Smtp;

/// Pause before the one further try that a provider gets who is busy.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Renders each message and sends it by its channel. Clones share their targets.
#[derive(Clone)]
pub struct ProviderMailer {
    inner: Arc<Inner>,
}

struct Inner {
    templates: Templates,
    timeout: Duration,
    http: HttpCaller,
    // A std lock: held to copy a handle or to replace one, never over an await.
    channels: Mutex<Channels>,
}

#[derive(Clone, Default)]
struct Channels {
    email: Option<Email>,
    push: Option<Push>,
}

#[derive(Clone)]
enum Email {
    Smtp(Arc<Smtp>),
    SendGrid(Arc<SendGrid>),
    Mailbox(Mailbox),
}

#[derive(Clone)]
enum Push {
    Fcm(Arc<Fcm>),
    Mailbox(Mailbox),
}

impl ProviderMailer {
    /// A mailer without targets. `timeout` is what a provider gets to take one message, its retry included.
    pub fn new(templates: Templates, timeout: Duration) -> Self {
        let inner = Inner {
            templates,
            timeout,
            http: HttpCaller::default(),
            channels: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sends there from now on: both or, when one cannot be used, neither. A channel that is not given stays as it is, and
    /// messages under way finish where they were going.
    pub fn set_targets(&self, email: Option<&EmailTarget>, push: Option<&PushTarget>) -> Result<(), TargetFault> {
        let http = &self.inner.http;
        let email = email.map(|target| {
            Ok(match target.kind {
                EmailKind::Smtp => Email::Smtp(Arc::new(Smtp::new(target)?)),
                EmailKind::Sendgrid => Email::SendGrid(Arc::new(SendGrid::new(target, http.clone())?)),
            })
        });
        let push = push.map(|target| Fcm::new(target, http.clone()).map(|fcm| Push::Fcm(Arc::new(fcm))));
        self.replace(email.transpose()?, push.transpose()?);
        Ok(())
    }

    /// Keeps email in this mailbox from now on, and sends none.
    pub fn keep_email(&self, mailbox: Mailbox) {
        self.replace(Some(Email::Mailbox(mailbox)), None);
    }

    /// Keeps pushes in this mailbox from now on, and sends none.
    pub fn keep_push(&self, mailbox: Mailbox) {
        self.replace(None, Some(Push::Mailbox(mailbox)));
    }

    fn replace(&self, email: Option<Email>, push: Option<Push>) {
        let mut channels = lock(&self.inner.channels);
        channels.email = email.or_else(|| channels.email.take());
        channels.push = push.or_else(|| channels.push.take());
    }

    async fn hand_over(&self, message: &RenderedMessage) -> Result<(), DeliveryError> {
        let channels = lock(&self.inner.channels).clone();
        match &message.to {
            Recipient::Email(address) => match channels.email.ok_or(DeliveryError::NoProvider)? {
                Email::Smtp(smtp) => smtp.send(address, message).await?,
                Email::SendGrid(sendgrid) => sendgrid.send(address, message).await?,
                Email::Mailbox(mailbox) => mailbox.keep(message),
            },
            Recipient::Push(token) => match channels.push.ok_or(DeliveryError::NoProvider)? {
                Push::Fcm(fcm) => fcm.send(token, message).await?,
                Push::Mailbox(mailbox) => mailbox.keep(message),
            },
        }
        Ok(())
    }
}

#[async_trait]
impl Mailer for ProviderMailer {
    /// Rendered once: whatever is tried again within is the same message, so that no two carry different codes (DLVR-06); and
    /// all of it ends in time (DLVR-07).
    async fn send(&self, message: &Message) -> Result<(), DeliveryError> {
        let rendered = self.inner.templates.render(message);
        tokio::time::timeout(self.inner.timeout, self.hand_over(&rendered))
            .await
            .unwrap_or(Err(DeliveryError::TimedOut))
    }
}
