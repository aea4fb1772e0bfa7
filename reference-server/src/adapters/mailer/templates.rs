//! The words of messages. Every code message lets the owner judge the request (DLVR-01); none holds a password, a handle, a
//! session or trust token, or a link (DLVR-02); the code stands in no subject or title (DLVR-05).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::neutral::neutralise;
use crate::domain::Timestamp;
use crate::parts::{Message, MessageContent, MessageKind, Recipient};

/// The email header that says what kind of message it is, by which mail programs and tests sort.
pub(super) const KIND_HEADER: &str = "X-Message-Kind";

/// A message in words, ready to be handed to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedMessage {
    pub to: Recipient,
    pub kind: MessageKind,
    /// The service's name, as the sender's.
    pub service: String,
    /// Subject, or push title: what a locked screen shows.
    pub subject: String,
    /// Text, or push body.
    pub text: String,
    /// The same in HTML, for email.
    pub html: String,
    /// Data fields, for push.
    pub data: Vec<(&'static str, String)>,
    /// How long it is of any use: a provider drops it when the device is off for longer.
    pub ttl: Duration,
}

/// How long a notice or a reset waits for a device that is switched off.
const DEFAULT_TTL: Duration = Duration::from_secs(24 * 3600);
/// Characters of a text that a requester chose.
const MAX_LABEL_CHARS: usize = 60;
const MAX_NOTICE_CHARS: usize = 1000;

/// How a service words its messages.
#[derive(Clone, Debug)]
pub struct Templates {
    service: String,
}

impl Templates {
    /// In the name of this service.
    pub fn new(service: &str) -> Self {
        Self {
            service: neutralise(service, MAX_LABEL_CHARS),
        }
    }

    pub fn render(&self, message: &Message) -> RenderedMessage {
        let service = &self.service;
        let kind = message.content.kind();
        let mut data = vec![("kind", kind.name().to_owned())];
        let mut ttl = DEFAULT_TTL;
        let (subject, text) = match &message.content {
            MessageContent::Code {
                code,
                challenge,
                expires_at,
                device_name,
                place,
                at,
            } => {
                data.push(("code", code.clone()));
                data.push(("challenge_id", challenge.0.to_string()));
                data.push(("expires_at", expires_at.to_string()));
                // A code that has lapsed is not delivered late.
                ttl = Duration::from_secs(at.seconds_until(*expires_at));
                let (device, place) = (neutralise(device_name, MAX_LABEL_CHARS), neutralise(place, MAX_LABEL_CHARS));
                let (at, until) = (to_the_second(*at), to_the_second(*expires_at));
                let text = format!(
                    "Your verification code is: {code}\n\n\
                     Somebody who knows your password is signing in to your {service} account.\n\
                     Device: {device}\nPlace: {place} (approximate, by network address)\nTime: {at}\n\n\
                     The code is valid until {until} and works once. If this was not you, do not share the code with anyone, and \
                     change your password."
                );
                (format!("{service}: sign-in request"), text)
            }
            MessageContent::Reset { token, expires_at } => {
                let until = to_the_second(*expires_at);
                let text = format!(
                    "Somebody asked to reset the password of your {service} account.\n\nReset token: {token}\n\n\
                     It is valid until {until} and works once. If this was not you, do nothing: your password stays as it is."
                );
                (format!("{service}: password reset"), text)
            }
            MessageContent::Notice { subject, text } => (
                format!("{service}: {}", neutralise(subject, MAX_LABEL_CHARS)),
                neutralise(text, MAX_NOTICE_CHARS),
            ),
        };
        RenderedMessage {
            to: message.to.clone(),
            kind,
            service: service.clone(),
            subject,
            html: html(&text),
            text,
            data,
            ttl,
        }
    }
}

/// Rounded down, so that what is said to be valid is.
fn to_the_second(moment: Timestamp) -> String {
    let moment = DateTime::<Utc>::from_timestamp(moment.0.div_euclid(1000), 0).unwrap_or_default();
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn html(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let escaped = html_escape::encode_quoted_attribute(paragraph).replace('\n', "<br>\n");
        format!("<p>{escaped}</p>\n")
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><body>\n{}</body></html>\n",
        paragraphs.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChallengeId;

    fn code(device_name: &str) -> RenderedMessage {
        Templates::new("Acme").render(&Message {
            to: Recipient::Email("a@x.test".to_owned()),
            content: MessageContent::Code {
                code: "012345".to_owned(),
                challenge: ChallengeId("chl_1".into()),
                expires_at: Timestamp(1_700_000_300_999),
                device_name: device_name.to_owned(),
                place: "Graz, Austria".to_owned(),
                at: Timestamp(1_700_000_000_999),
            },
        })
    }

    #[test]
    fn a_code_message_lets_the_owner_judge() {
        let message = code("Pixel 9");
        for text in [&message.text, &message.html] {
            for word in [
                "code is: 012345",
                "Acme",
                "Pixel 9",
                "Graz, Austria",
                "Time: 2023-11-14 22:13:20 UTC",
                "until 2023-11-14 22:18:20 UTC",
                "do not share",
                "change your password",
            ] {
                assert!(text.contains(word), "{word} is missing in {text}");
            }
        }
        assert!(!message.subject.contains("012345"));
        assert_eq!(message.ttl, Duration::from_secs(300));
        assert!(message.data.contains(&("code", "012345".to_owned())), "{:?}", message.data);
    }

    #[test]
    fn what_a_requester_chose_is_only_text() {
        let message = code("\u{202e}<a href=\"https://evil.test\">click</a>\r\nBcc: b@evil.test");
        for text in [&message.text, &message.html, &message.subject] {
            for bad in ["<a", "https://", "evil.test", "\u{202e}", "\r", "\nBcc"] {
                assert!(!text.contains(bad), "{bad:?} stands in {text}");
            }
        }
        assert!(code(&"x".repeat(10_000)).text.len() < 600);
    }

    #[test]
    fn a_notice_keeps_its_sentences_and_loses_its_links() {
        let message = Templates::new("Acme").render(&Message {
            to: Recipient::Email("a@x.test".to_owned()),
            content: MessageContent::Notice {
                subject: "New device".to_owned(),
                text: "A new device, \"www.evil.test\", signed in. If not you, act.".to_owned(),
            },
        });
        assert!(message.text.ends_with("signed in. If not you, act."), "{}", message.text);
        assert!(!message.text.contains("evil.test"), "{}", message.text);
        assert!(message.html.contains("&quot;"), "{}", message.html);
    }
}
