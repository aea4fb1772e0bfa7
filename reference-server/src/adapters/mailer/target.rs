//! Where messages go, as an operator writes it.

use std::str::FromStr;

use http::{HeaderValue, Uri};
use lettre::Address;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::parts::DeliveryError;

/// Who mail is from, unless a target says otherwise (DLVR-03).
pub(super) const SENDER: &str = "no-reply@stepproof.test";

/// Port of SMTP where the URL names none.
const SMTP_PORT: u16 = 25;

/// How email travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailKind {
    Smtp,
    /// The SendGrid v3 mail-send call.
    Sendgrid,
}

/// Where email goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTarget {
    pub kind: EmailKind,
    /// `smtp://HOST:PORT`, or the base URL of the API.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// The one sender.
    #[serde(default = "sender")]
    pub from: String,
    /// The bearer key of the API.
    #[serde(default = "key")]
    pub key: String,
}

/// Where pushes go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushTarget {
    /// The base URL of the API.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    #[serde(default = "project")]
    pub project: String,
    /// The bearer key of the API.
    #[serde(default = "key")]
    pub key: String,
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    parsed(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn parsed(text: &str) -> Result<Url, TargetFault> {
    text.parse().map_err(|error| TargetFault::NoUrl(text.to_owned(), error))
}

fn sender() -> String {
    SENDER.to_owned()
}

fn key() -> String {
    "stepproof-development-key".to_owned()
}

fn project() -> String {
    "stepproof".to_owned()
}

impl FromStr for EmailTarget {
    type Err = TargetFault;

    /// The target at this URL: `smtp://…` for SMTP, `http://…` for SendGrid.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = parsed(text)?;
        let kind = match url.scheme() {
            "smtp" => EmailKind::Smtp,
            "http" => EmailKind::Sendgrid,
            _ => return Err(TargetFault::Scheme(url, "smtp:// or http://")),
        };
        let target = Self {
            kind,
            url,
            from: sender(),
            key: key(),
        };
        target.check().map(|()| target)
    }
}

impl FromStr for PushTarget {
    type Err = TargetFault;

    /// The target at this URL.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let target = Self {
            url: parsed(text)?,
            project: project(),
            key: key(),
        };
        target.check().map(|()| target)
    }
}

impl EmailTarget {
    /// Whether anything could be sent there. That somebody listens there is not tried.
    pub fn check(&self) -> Result<(), TargetFault> {
        match self.kind {
            EmailKind::Smtp => self.smtp().map(drop),
            EmailKind::Sendgrid => self.api().map(drop),
        }
    }

    /// Host, port and sender.
    pub(super) fn smtp(&self) -> Result<(&str, u16, Address), TargetFault> {
        if self.url.scheme() != "smtp" {
            return Err(TargetFault::Scheme(self.url.clone(), "smtp://"));
        }
        let host = self.url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| TargetFault::NoHost(self.url.clone()))?;
        let sender = self.from.parse().map_err(|_| TargetFault::Sender(self.from.clone()))?;
        Ok((host.trim_matches(['[', ']']), self.url.port().unwrap_or(SMTP_PORT), sender))
    }

    /// The call, and the key to make it with.
    pub(super) fn api(&self) -> Result<(Uri, HeaderValue), TargetFault> {
        Ok((call_url(&self.url, "/v3/mail/send")?, bearer(&self.key)?))
    }
}

impl PushTarget {
    /// Whether anything could be sent there. That somebody listens there is not tried.
    pub fn check(&self) -> Result<(), TargetFault> {
        self.api().map(drop)
    }

    /// The call, and the key to make it with.
    pub(super) fn api(&self) -> Result<(Uri, HeaderValue), TargetFault> {
        let path = format!("/v1/projects/{}/messages:send", self.project);
        Ok((call_url(&self.url, &path)?, bearer(&self.key)?))
    }
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    /// It is no URL.
    #[error("`{0}` is no URL: {1}")]
    NoUrl(String, url::ParseError),
    /// Its URL has another scheme.
    #[error("`{0}` has to start with {1}: messages travel without TLS here")]
    Scheme(Url, &'static str),
    /// Its URL has no host.
    #[error("`{0}` names no host")]
    NoHost(Url),
    /// Its sender is no address.
    #[error("`{0}` is no email address")]
    Sender(String),
    /// Its key cannot stand in a header.
    #[error("the key has characters that cannot stand in a header")]
    Key,
}

/// The URL of a call below a base URL that has to be plain http.
fn call_url(base: &Url, path: &str) -> Result<Uri, TargetFault> {
    if base.scheme() != "http" {
        return Err(TargetFault::Scheme(base.clone(), "http://"));
    }
    let whole = format!("{}{path}", base.as_str().trim_end_matches('/'));
    whole.parse().map_err(|_| TargetFault::NoHost(base.clone()))
}

/// The header value of a bearer key, which no debug output shows.
fn bearer(key: &str) -> Result<HeaderValue, TargetFault> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| TargetFault::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a provider's status means, when it is no success.
pub(super) fn refusal(status: impl std::fmt::Display) -> DeliveryError {
    // The status and never the text: a provider may repeat the message in it.
    DeliveryError::Refused(format!("status {status}"))
}
