//! Redaction that keeps identity: the same secret is the same `‹code#3›` everywhere, so that a transcript still shows
//! "the same code was accepted twice" and can be posted in public.
//!
//! A secret does not get through in other clothes either: percent-encoded, escaped as JSON or HTML, or inside base64.

mod learn;
mod view;

use std::collections::HashMap;

use regex::bytes::{Regex, RegexBuilder};
use serde::Serialize;

use crate::ledger::Message;
use crate::transcript::Exchange;

/// What stands for a text that cannot be searched.
const WITHHELD: &str = "‹withheld›";
/// Longer bodies are cut in a redacted exchange.
const LONGEST_BODY: usize = 32 * 1024;

/// What a secret is; the word in its placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    /// A sign-in code.
    Code,
    /// A password.
    Password,
    /// An email address.
    Email,
    /// A challenge's handle.
    Handle,
    /// A session's access credential.
    Access,
    /// A session's refresh credential.
    Refresh,
    /// A device's trust credential.
    Trust,
    /// A reset token.
    Reset,
    /// A push registration.
    Push,
    /// Any other token.
    Token,
}

impl SecretKind {
    /// The word in the placeholder.
    pub fn word(self) -> &'static str {
        match self {
            SecretKind::Code => "code",
            SecretKind::Password => "password",
            SecretKind::Email => "email",
            SecretKind::Handle => "handle",
            SecretKind::Access => "access",
            SecretKind::Refresh => "refresh",
            SecretKind::Trust => "trust",
            SecretKind::Reset => "reset",
            SecretKind::Push => "push",
            SecretKind::Token => "token",
        }
    }
}

/// A secret and the name that stands for it.
#[derive(Clone, Debug)]
pub struct Secret {
    /// What it is.
    pub kind: SecretKind,
    /// Its number among its kind, from 1.
    pub number: usize,
    /// Itself.
    pub value: String,
}

impl Secret {
    fn name(&self) -> String {
        format!("{}#{}", self.kind.word(), self.number)
    }
}

/// Knows secrets and takes them out of texts. One for each check is meant: learning is cheap, but the search is made anew
/// after it, over all that is known.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
    /// From every form of a secret that is searched for to its place in `secrets`.
    forms: HashMap<Vec<u8>, usize>,
    /// All forms as one pattern, longest first; made when it is first needed.
    pattern: std::sync::OnceLock<Option<Regex>>,
}

/// An exchange that can be shown to anybody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedactedExchange {
    /// The operation's name.
    pub operation: Option<&'static str>,
    /// The device's label.
    pub device: String,
    /// The source address, when one was chosen.
    pub source: Option<std::net::IpAddr>,
    /// What was asked.
    pub request: RedactedRequest,
    /// What was answered; `None` when nothing was.
    pub response: Option<RedactedResponse>,
    /// Milliseconds since the target was opened.
    pub started_ms: f64,
    /// Milliseconds it took.
    pub took_ms: f64,
}

/// The request of a [`RedactedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedactedRequest {
    /// HTTP method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// The response of a [`RedactedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedactedResponse {
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// A delivered message that can be shown to anybody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedactedMessage {
    /// How it travelled.
    pub channel: crate::operation::Method,
    /// To whom.
    pub to: String,
    /// Subject or push title.
    pub subject: String,
    /// Text body.
    pub text: String,
    /// Milliseconds since the ledger was opened.
    pub at_ms: f64,
}

impl Redactor {
    /// Every secret known, in the order in which they were learnt.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The text without any known secret.
    pub fn text(&self, text: &str) -> String {
        self.bytes(text.as_bytes())
    }

    /// The bytes as text without any known secret.
    pub fn bytes(&self, bytes: &[u8]) -> String {
        if self.secrets.is_empty() {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let Some(pattern) = self.pattern() else {
            return WITHHELD.to_owned();
        };
        let mut out = Vec::new();
        let mut from = 0;
        for found in view::spans(bytes, pattern) {
            let secret = self
                .forms
                .get(&found.form)
                .or_else(|| self.forms.get(&found.form.to_ascii_lowercase()));
            let name = secret.map_or_else(|| "secret".to_owned(), |at| self.secrets[*at].name());
            out.extend_from_slice(&bytes[from..found.start]);
            out.extend_from_slice(if found.base64 { "‹base64 " } else { "‹" }.as_bytes());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice("›".as_bytes());
            from = found.end;
        }
        out.extend_from_slice(&bytes[from..]);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The exchange without secrets: first what it shows is learnt, then all that is known is taken out.
    pub fn exchange(&mut self, exchange: &Exchange) -> RedactedExchange {
        self.learn_exchange(exchange);
        let response = RedactedResponse {
            status: exchange.status,
            headers: self.headers(&exchange.response_headers),
            body: self.body(&exchange.response_body),
        };
        RedactedExchange {
            operation: exchange.operation.map(|kind| kind.name()),
            device: self.text(&exchange.device),
            source: exchange.source,
            request: RedactedRequest {
                method: self.text(&exchange.method),
                url: self.text(&exchange.url),
                headers: self.headers(&exchange.request_headers),
                body: self.body(&exchange.request_body),
            },
            response: (exchange.status != 0).then_some(response),
            started_ms: exchange.started_ms,
            took_ms: exchange.took_ms,
        }
    }

    /// The message without secrets, in the same way.
    pub fn message(&mut self, message: &Message) -> RedactedMessage {
        self.learn_message(message);
        RedactedMessage {
            channel: message.channel,
            to: self.text(&message.to),
            subject: self.text(&message.subject),
            text: self.body(message.text.as_bytes()),
            at_ms: message.at_ms,
        }
    }

    fn headers(&self, lines: &[(String, String)]) -> Vec<(String, String)> {
        let redacted = lines.iter().map(|(name, value)| (self.text(name), self.text(value)));
        redacted.collect()
    }

    /// A body, cut after it was redacted: a secret across the cut would not be found.
    fn body(&self, bytes: &[u8]) -> String {
        let mut text = self.bytes(bytes);
        if text.len() > LONGEST_BODY {
            let cut = (0..=LONGEST_BODY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let more = text.len() - cut;
            text.truncate(cut);
            text.push_str(&format!("… ({more} bytes more)"));
        }
        text
    }

    fn pattern(&self) -> Option<&Regex> {
        let make = || {
            let mut forms: Vec<&Vec<u8>> = self.forms.keys().collect();
            forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
            let alternatives: Vec<String> = forms.into_iter().map(|form| self.alternative(form)).collect();
            // Bytes, not characters: a secret is found even in what is no valid UTF-8.
            RegexBuilder::new(&alternatives.join("|"))
                .unicode(false)
                .size_limit(1 << 28)
                .build()
                .ok()
        };
        self.pattern.get_or_init(make).as_ref()
    }

    fn alternative(&self, form: &[u8]) -> String {
        let bytes: String = form
            .iter()
            .map(|byte| match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(*byte).to_string(),
                other => format!(r"\x{other:02x}"),
            })
            .collect();
        let email = self
            .forms
            .get(form)
            .is_some_and(|at| self.secrets[*at].kind == SecretKind::Email);
        if email { format!("(?i:{bytes})") } else { bytes }
    }
}

#[cfg(test)]
mod tests;
