//! From a message's words to what the mailbox keeps of it.

use std::time::Instant;

use targets::Channel;
use targets::delivery_log::Patterns;
use targets::fakes::provider::Sent;

use super::letter::Letter;

/// What a message holds, whoever gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    code: Option<Box<str>>,
    reset_token: Option<Box<str>>,
    challenge: Option<Box<str>>,
    device: Option<Box<str>>,
}

impl Contents {
    /// Finds it: the code that is told outright, else that of the data field that holds it alone, else by the patterns.
    pub(super) fn of(sent: &Sent<'_>, patterns: &Patterns) -> Self {
        let places = || {
            let all = [sent.text, sent.html.unwrap_or_default(), sent.subject];
            all.into_iter().filter(|place| !place.is_empty())
        };
        let field = patterns.code_field.as_deref().and_then(|name| sent.data.get(name));
        let code = sent.code.or(field).or_else(|| patterns.code_in(places()));
        Self {
            code: code.map(Into::into),
            reset_token: patterns.reset_token_in(places()).map(Into::into),
            challenge: sent.data.get("challenge_id").map(Into::into),
            device: device(sent.text).map(Into::into),
        }
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
    use targets::fakes::Fields;

    use super::*;

    fn found(text: &str, html: Option<&str>, data: &str) -> Contents {
        let data: Fields<'_> = serde_json::from_str(data).unwrap();
        let sent = Sent {
            channel: Channel::Email,
            from: None,
            to: "a@x.test",
            subject: "",
            text,
            html,
            data: &data,
            code: None,
        };
        Contents::of(&sent, &targets::Native::patterns())
    }

    #[test]
    fn a_code_message_is_read_by_field_or_by_pattern() {
        let text = "Your verification code is: 012345\n\nSomebody …\nDevice: Pixel 9 \nPlace: Graz";
        let letter = found(text, None, "{}").letter(Channel::Email, "a@x.test", Instant::now());
        assert_eq!(letter.code.as_deref(), Some("012345"));
        assert_eq!(letter.device.as_deref(), Some("Pixel 9"));
        assert_eq!((letter.challenge, letter.reset_token), (None, None));
        let by_field = found(text, None, r#"{"kind":"code","code":"99\u0039","challenge_id":"chl_1"}"#);
        assert_eq!(by_field.code.as_deref(), Some("999"));
        assert_eq!(by_field.challenge.as_deref(), Some("chl_1"));
    }

    #[test]
    fn a_code_in_html_alone_and_a_reset_token() {
        let html = found("", Some("<p>Your verification code is: 77</p>"), "{}");
        assert_eq!(html.code.as_deref(), Some("77"));
        let reset = found("Reset token: pr_a-b_c", None, "{}");
        assert_eq!(
            (reset.code.as_deref(), reset.reset_token.as_deref()),
            (None, Some("pr_a-b_c"))
        );
    }
}
