//! The words of messages. Every code message lets the owner judge the request (DLVR-01); none holds a password, a handle, a
//! session or trust token, or a link (DLVR-02); the code stands in no subject or title (DLVR-05).

use chrono::{DateTime, Utc};

use crate::account::Timestamp;
use crate::ports::{Outgoing, Parcel, Recipient};

mod neutral;

pub use neutral::neutralise;

/// What sort of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sign-in code.
    Code,
    /// A password reset.
    Reset,
    /// Something the owner should know.
    Notice,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Code, Kind::Reset, Kind::Notice];
    /// The email header that says it.
    pub const HEADER: &'static str = "X-Message-Kind";

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Code => "code",
            Kind::Reset => "reset",
            Kind::Notice => "notice",
        }
    }
}

/// A message in words, ready to be handed to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who gets it.
    pub to: Recipient,
    /// What sort it is.
    pub kind: Kind,
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
    /// Seconds it is of any use.
    pub worth_s: u64,
}

/// Seconds a notice or a reset waits for a device that is switched off.
const A_DAY: u64 = 24 * 3600;
/// Characters of a text that a requester chose.
const LABEL_MOST: usize = 60;
/// Characters of a notice.
const NOTICE_MOST: usize = 1000;

/// How a service words its messages.
#[derive(Clone, Debug)]
pub struct Wording {
    service: String,
}

impl Wording {
    /// In the name of this service.
    pub fn new(service: &str) -> Self {
        Self {
            service: neutralise(service, LABEL_MOST),
        }
    }

    /// The message in words.
    pub fn letter(&self, message: &Outgoing) -> Letter {
        let service = &self.service;
        let (kind, subject, text) = match &message.parcel {
            Parcel::Code { .. } => (Kind::Code, format!("{service}: sign-in request"), self.code(message)),
            Parcel::Reset { token, expires_at } => {
                let until = to_the_second(*expires_at);
                let text = format!(
                    "Somebody asked to reset the password of your {service} account.\n\nReset token: {token}\n\n\
                     It is valid until {until} and works once. If this was not you, do nothing: your password stays as it is."
                );
                (Kind::Reset, format!("{service}: password reset"), text)
            }
            Parcel::Notice { subject, text } => (
                Kind::Notice,
                format!("{service}: {}", neutralise(subject, LABEL_MOST)),
                neutralise(text, NOTICE_MOST),
            ),
        };
        Letter {
            to: message.to.clone(),
            kind,
            service: service.clone(),
            subject,
            html: html(&text),
            text,
            data: data(&message.parcel, kind),
            worth_s: worth_s(&message.parcel),
        }
    }

    fn code(&self, message: &Outgoing) -> String {
        let Parcel::Code {
            code,
            expires_at,
            device_name,
            place,
            at,
            ..
        } = &message.parcel
        else {
            return String::new();
        };
        let service = &self.service;
        let (device, place) = (neutralise(device_name, LABEL_MOST), neutralise(place, LABEL_MOST));
        let (at, until) = (to_the_second(*at), to_the_second(*expires_at));
        format!(
            "Your verification code is: {code}\n\n\
             Somebody who knows your password is signing in to your {service} account.\n\
             Device: {device}\nPlace: {place} (approximate, by network address)\nTime: {at}\n\n\
             The code is valid until {until} and works once. If this was not you, do not share the code with anyone, and change \
             your password."
        )
    }
}

fn data(parcel: &Parcel, kind: Kind) -> Vec<(&'static str, String)> {
    let mut data = vec![("kind", kind.name().to_owned())];
    if let Parcel::Code {
        code,
        challenge,
        expires_at,
        ..
    } = parcel
    {
        data.push(("code", code.clone()));
        data.push(("challenge_id", challenge.0.to_string()));
        data.push(("expires_at", expires_at.to_string()));
    }
    data
}

/// A code that has lapsed is not delivered late.
fn worth_s(parcel: &Parcel) -> u64 {
    match parcel {
        Parcel::Code { expires_at, at, .. } => at.seconds_until(*expires_at),
        Parcel::Reset { .. } | Parcel::Notice { .. } => A_DAY,
    }
}

/// Rounded down, so that what is said to be valid is.
fn to_the_second(moment: Timestamp) -> String {
    let moment = DateTime::<Utc>::from_timestamp(moment.0.div_euclid(1000), 0).unwrap_or_default();
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn html(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let escaped = neutral::escape(paragraph).replace('\n', "<br>\n");
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
    use crate::account::ChallengeId;

    fn code(device_name: &str) -> Letter {
        Wording::new("Acme").letter(&Outgoing {
            to: Recipient::Email("a@x.test".to_owned()),
            parcel: Parcel::Code {
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
        let letter = code("Pixel 9");
        for text in [&letter.text, &letter.html] {
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
        assert!(!letter.subject.contains("012345"));
        assert_eq!(letter.worth_s, 300);
        assert!(letter.data.contains(&("code", "012345".to_owned())), "{:?}", letter.data);
    }

    #[test]
    fn what_a_requester_chose_is_only_text() {
        let letter = code("\u{202e}<a href=\"https://evil.test\">click</a>\r\nBcc: b@evil.test");
        for text in [&letter.text, &letter.html, &letter.subject] {
            for bad in ["<a", "https://", "evil.test", "\u{202e}", "\r", "\nBcc"] {
                assert!(!text.contains(bad), "{bad:?} stands in {text}");
            }
        }
        assert!(code(&"x".repeat(10_000)).text.len() < 600);
    }

    #[test]
    fn a_notice_keeps_its_sentences_and_loses_its_links() {
        let letter = Wording::new("Acme").letter(&Outgoing {
            to: Recipient::Email("a@x.test".to_owned()),
            parcel: Parcel::Notice {
                subject: "New device".to_owned(),
                text: "A new device, \"www.evil.test\", signed in. If not you, act.".to_owned(),
            },
        });
        assert!(letter.text.ends_with("signed in. If not you, act."), "{}", letter.text);
        assert!(!letter.text.contains("evil.test"), "{}", letter.text);
        assert!(letter.html.contains("&quot;"), "{}", letter.html);
    }
}
