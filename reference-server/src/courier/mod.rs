//! The courier that reaches the outside world: a router over two channels, email and push, whose targets can be replaced while
//! the server runs.
//!
//! - [`messages`]: the words.
//! - [`smtp`]: email by SMTP.
//! - [`sendgrid`]: email by the SendGrid v3 mail-send call.
//! - [`fcm`]: push by the FCM HTTP v1 send call.
//! - [`mailbox`]: for development, keeps messages where they can be read.
//!
//! Unlike a production service it speaks to its providers without TLS: they are fakes on the same machine.

mod fcm;
mod http_call;
mod mailbox;
pub mod messages;
mod sendgrid;
mod smtp;
mod target;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;

pub use mailbox::Mailbox;
pub use messages::{Kind, Letter, Wording};
pub use target::{EmailKind, EmailTarget, PushTarget, TargetFault};

use crate::ports::{Courier, DeliveryError, Outgoing, Recipient};
use fcm::Fcm;
use http_call::HttpCaller;
use sendgrid::SendGrid;
use smtp::Smtp;

/// Sends each message by its channel. Clones share their targets.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    wording: Wording,
    within: Duration,
    http: HttpCaller,
    // A std lock: held to copy a handle or to replace one, never over an await.
    channels: RwLock<Channels>,
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

impl Router {
    /// A router without targets that words its messages like this and gives a provider this long to take one, retries and all.
    pub fn new(wording: Wording, within: Duration) -> Self {
        let inner = Inner {
            wording,
            within,
            http: HttpCaller::default(),
            channels: RwLock::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sends there from now on: both or, when one cannot be used, neither. A channel that is not given stays as it is, and
    /// messages under way finish where they were going.
    pub fn set_targets(&self, email: Option<&EmailTarget>, push: Option<&PushTarget>) -> Result<(), TargetFault> {
        let email = email.map(|target| self.email_channel(target)).transpose()?;
        let http = || self.inner.http.clone();
        let push = push
            .map(|target| Fcm::new(target, http()).map(Arc::new).map(Push::Fcm))
            .transpose()?;
        self.replace(email, push);
        Ok(())
    }

    fn email_channel(&self, target: &EmailTarget) -> Result<Email, TargetFault> {
        Ok(match target.kind {
            EmailKind::Smtp => Email::Smtp(Arc::new(Smtp::new(target)?)),
            EmailKind::Sendgrid => Email::SendGrid(Arc::new(SendGrid::new(target, self.inner.http.clone())?)),
        })
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
        let mut channels = self.inner.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.email = email.or_else(|| channels.email.take());
        channels.push = push.or_else(|| channels.push.take());
    }

    async fn hand_over(&self, letter: &Letter) -> Result<(), DeliveryError> {
        let channels = self.inner.channels.read().unwrap_or_else(PoisonError::into_inner).clone();
        match &letter.to {
            Recipient::Email(address) => match channels.email.ok_or(DeliveryError::NoProvider)? {
                Email::Smtp(smtp) => smtp.send(address, letter).await,
                Email::SendGrid(sendgrid) => sendgrid.send(address, letter).await,
                Email::Mailbox(mailbox) => mailbox.keep(letter),
            },
            Recipient::Push(token) => match channels.push.ok_or(DeliveryError::NoProvider)? {
                Push::Fcm(fcm) => fcm.send(token, letter).await,
                Push::Mailbox(mailbox) => mailbox.keep(letter),
            },
        }
    }
}

#[async_trait]
impl Courier for Router {
    async fn deliver(&self, message: &Outgoing) -> Result<(), DeliveryError> {
        self.carry(&self.inner.wording.letter(message)).await
    }

    /// Whatever is tried again within is the same letter, so that two messages never carry different codes (DLVR-06); and all
    /// of it ends in time (DLVR-07).
    async fn carry(&self, letter: &Letter) -> Result<(), DeliveryError> {
        tokio::time::timeout(self.inner.within, self.hand_over(letter))
            .await
            .unwrap_or(Err(DeliveryError::TimedOut))
    }
}
