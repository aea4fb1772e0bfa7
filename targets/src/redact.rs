//! Redaction that keeps identity: the same secret is the same `‹code#3›` everywhere, so that a transcript still shows
//! "the same code was accepted twice" and can be posted in public.
//!
//! A secret does not get through in other clothes either: percent-encoded, escaped as JSON or HTML, or inside base64.

mod learn;
mod placeholder;
mod view;

use std::collections::{BTreeMap, HashMap};

use data_encoding::BASE64;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::delivery_log::Message;
use crate::transcript::Exchange;

pub(crate) use placeholder::Placeholder;

/// What stands for a text that cannot be searched.
const WITHHELD: &str = "‹withheld›";
/// Longer bodies are cut in a redacted exchange.
const LONGEST_BODY: usize = 32 * 1024;

/// What a secret is; the word in its placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    Code,
    Password,
    Email,
    Handle,
    Access,
    Refresh,
    Trust,
    Reset,
    Push,
    Token,
}

impl SecretKind {
    /// All kinds.
    pub(crate) const ALL: [SecretKind; 10] = [
        SecretKind::Code,
        SecretKind::Password,
        SecretKind::Email,
        SecretKind::Handle,
        SecretKind::Access,
        SecretKind::Refresh,
        SecretKind::Trust,
        SecretKind::Reset,
        SecretKind::Push,
        SecretKind::Token,
    ];

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
    pub kind: SecretKind,
    /// Its number among its kind, from 1.
    pub number: usize,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RedactedExchange {
    pub operation: Option<String>,
    pub device: String,
    pub source: Option<std::net::IpAddr>,
    pub request: RedactedRequest,
    /// What was answered; `None` when nothing was.
    pub response: Option<RedactedResponse>,
    /// Milliseconds since the target was opened.
    pub started_ms: f64,
    /// Milliseconds it took.
    pub took_ms: f64,
}

/// The request of a [`RedactedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RedactedRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Body, cut when it is long.
    pub body: String,
    /// The same bytes in base64, when they are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Bytes of the body that were cut off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: usize,
    /// The shape of each code in it, by the name that stands for it: a repetition makes up guesses of the same shape.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shapes: BTreeMap<String, String>,
}

/// The response of a [`RedactedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RedactedResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Body, cut when it is long.
    pub body: String,
    /// Bytes of the body that were cut off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: usize,
}

/// A delivered message that can be shown to anybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RedactedMessage {
    pub channel: specs::Channel,
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The name that stands for the code that was found in it, wherever in it that stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Milliseconds since the delivery log was opened.
    pub at_ms: f64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
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
        String::from_utf8_lossy(&self.without_secrets(bytes)).into_owned()
    }

    fn without_secrets(&self, bytes: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return bytes.to_vec();
        }
        let Some(pattern) = self.pattern() else {
            return WITHHELD.as_bytes().to_vec();
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
        out
    }

    /// The exchange without secrets: first what it shows is learnt, then all that is known is taken out.
    pub fn exchange(&mut self, exchange: &Exchange) -> RedactedExchange {
        self.learn_exchange(exchange);
        let (body, cut) = self.body(&exchange.response_body);
        let response = RedactedResponse {
            status: exchange.status,
            headers: self.headers(&exchange.response_headers),
            body,
            cut,
        };
        RedactedExchange {
            operation: exchange.operation.map(|kind| kind.name().to_owned()),
            device: self.text(&exchange.device),
            source: exchange.source,
            request: self.request(exchange),
            response: (exchange.status != 0).then_some(response),
            started_ms: exchange.started_ms,
            took_ms: exchange.took_ms,
        }
    }

    fn request(&self, exchange: &Exchange) -> RedactedRequest {
        let bytes = self.without_secrets(&exchange.request_body);
        let binary = std::str::from_utf8(&bytes).is_err() && bytes.len() <= LONGEST_BODY;
        let (body, cut) = self.body(&exchange.request_body);
        let mut request = RedactedRequest {
            method: self.text(&exchange.method),
            url: self.text(&exchange.url),
            headers: self.headers(&exchange.request_headers),
            body,
            body_base64: binary.then(|| BASE64.encode(&bytes)),
            cut,
            shapes: BTreeMap::new(),
        };
        let values = request.headers.iter().map(|(_, value)| value);
        let seen: String = values.chain([&request.url, &request.body]).map(String::as_str).collect();
        let codes = self.secrets.iter().filter(|secret| secret.kind == SecretKind::Code);
        let shown = codes.filter(|secret| seen.contains(&format!("‹{}›", secret.name())));
        request.shapes = shown.map(|secret| (secret.name(), shape(&secret.value))).collect();
        request
    }

    /// The message without secrets, in the same way.
    pub fn message(&mut self, message: &Message) -> RedactedMessage {
        self.learn_message(message);
        RedactedMessage {
            channel: message.channel,
            to: self.text(&message.to),
            subject: self.text(&message.subject),
            text: self.body(message.text.as_bytes()).0,
            code: message.code.as_deref().map(|code| self.text(code)),
            at_ms: message.at_ms,
        }
    }

    fn headers(&self, lines: &[(String, String)]) -> Vec<(String, String)> {
        let redacted = lines.iter().map(|(name, value)| (self.text(name), self.text(value)));
        redacted.collect()
    }

    /// A body, cut after it was redacted (a secret across the cut would not be found), and how many bytes were cut off.
    fn body(&self, bytes: &[u8]) -> (String, usize) {
        let mut text = self.bytes(bytes);
        if text.len() <= LONGEST_BODY {
            return (text, 0);
        }
        let keep = (0..=LONGEST_BODY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let more = text.len() - keep;
        text.truncate(keep);
        text.push_str(&format!("… ({more} bytes more)"));
        (text, more)
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

/// What a code looks like, and not which one it is.
fn shape(code: &str) -> String {
    let blank = |c: char| match c {
        '0'..='9' => '0',
        'a'..='z' => 'b',
        'A'..='Z' => 'B',
        c if c.is_ascii() => c,
        _ => 'ö',
    };
    code.chars().map(blank).collect()
}

#[cfg(test)]
mod tests;
