//! From a message's words to what the mailbox keeps of it.

use std::borrow::Cow;
use std::fmt;
use std::time::Instant;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use targets::Channel;
use targets::delivery_log::Patterns;

use super::letter::Letter;

/// A text that is borrowed from the call's body wherever nothing in it is escaped.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn or_empty<'t>(text: Option<&'t Text<'_>>) -> &'t str {
        text.map_or("", |text| &text.0)
    }
}

/// Data fields, in the order they were sent. A value that is no text is refused.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Vec<(Text<'a>, Text<'a>)>);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field.0 == name)
            .map(|(_, value)| value.0.as_ref())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("data fields whose values are texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        from.deserialize_map(Reading)
    }
}

/// A message's words, wherever they stood.
#[derive(Debug, Default)]
pub(super) struct Words<'a> {
    pub(super) subject: &'a str,
    pub(super) text: &'a str,
    pub(super) html: &'a str,
}

/// What a message holds, whoever gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    code: Option<Box<str>>,
    reset_token: Option<Box<str>>,
    challenge: Option<Box<str>>,
    device: Option<Box<str>>,
}

impl Contents {
    /// Finds it: the code in the data field that holds it alone, else by the patterns.
    pub(super) fn find(words: &Words<'_>, data: &Fields<'_>, patterns: &Patterns) -> Self {
        let places = || {
            [words.text, words.html, words.subject]
                .into_iter()
                .filter(|place| !place.is_empty())
        };
        let field = patterns.code_field.as_deref().and_then(|name| data.get(name));
        let code = field.or_else(|| patterns.code_in(places()));
        Self {
            code: code.map(Into::into),
            reset_token: patterns.reset_token_in(places()).map(Into::into),
            challenge: data.get("challenge_id").map(Into::into),
            device: device(words.text).map(Into::into),
        }
    }

    /// As it is, with this code when one is told outright.
    pub(super) fn with_code(mut self, code: Option<&str>) -> Self {
        if let Some(code) = code {
            self.code = Some(code.into());
        }
        self
    }

    /// The letter to this recipient.
    pub(super) fn letter(&self, channel: Channel, to: &str, at: Instant) -> Letter {
        let contents = self.clone();
        Letter {
            channel,
            to: to.into(),
            code: contents.code,
            reset_token: contents.reset_token,
            challenge: contents.challenge,
            device: contents.device,
            at,
            number: 0,
        }
    }
}

/// The line `Device: NAME` of a text.
fn device(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("Device: ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &Words<'_>, data: &str) -> Contents {
        let data: Fields<'_> = serde_json::from_str(data).unwrap();
        Contents::find(words, &data, &targets::Native::patterns())
    }

    #[test]
    fn a_code_message_is_read_by_field_or_by_pattern() {
        let text = "Your verification code is: 012345\n\nSomebody …\nDevice: Pixel 9 \nPlace: Graz";
        let words = Words {
            text,
            ..Words::default()
        };
        let letter = found(&words, "{}").letter(Channel::Email, "a@x.test", Instant::now());
        assert_eq!(letter.code.as_deref(), Some("012345"));
        assert_eq!(letter.device.as_deref(), Some("Pixel 9"));
        assert_eq!((letter.challenge, letter.reset_token), (None, None));
        let by_field = found(&words, r#"{"kind":"code","code":"99\u0039","challenge_id":"chl_1"}"#);
        assert_eq!(by_field.code.as_deref(), Some("999"));
        assert_eq!(by_field.challenge.as_deref(), Some("chl_1"));
    }

    #[test]
    fn a_code_in_html_alone_and_a_reset_token() {
        let html = Words {
            html: "<p>Your verification code is: 77</p>",
            ..Words::default()
        };
        assert_eq!(found(&html, "{}").code.as_deref(), Some("77"));
        let reset = Words {
            text: "Reset token: pr_a-b_c",
            ..Words::default()
        };
        let reset = found(&reset, "{}");
        assert_eq!(
            (reset.code.as_deref(), reset.reset_token.as_deref()),
            (None, Some("pr_a-b_c"))
        );
    }

    #[test]
    fn values_of_data_are_texts() {
        assert!(serde_json::from_str::<Fields<'_>>(r#"{"code":1}"#).is_err());
        assert!(serde_json::from_str::<Fields<'_>>("[]").is_err());
    }
}
