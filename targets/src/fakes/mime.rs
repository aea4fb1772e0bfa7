//! From a MIME source to what a person would read.

use mail_parser::{MessageParser, PartType};
use specs::Channel;

use crate::delivery_log::Message;

/// The message as it lies in this recipient's mailbox. What cannot be read as MIME is its own text.
pub fn message(raw: &[u8], envelope_from: &str, to: &str) -> Message {
    let mut message = Message {
        from: Some(envelope_from.to_owned()),
        raw: raw.to_vec(),
        ..Message::new(Channel::Email, to)
    };
    let Some(mime) = MessageParser::default().parse(raw) else {
        message.text = String::from_utf8_lossy(raw).into_owned();
        return message;
    };
    if let Some(from) = mime.from().and_then(|from| from.first()).and_then(|from| from.address()) {
        message.from = Some(from.to_owned());
    }
    message.subject = mime.subject().unwrap_or_default().to_owned();
    message.text = mime.body_text(0).unwrap_or_default().into_owned();
    let html = mime.html_body.first().and_then(|id| mime.parts.get(*id as usize));
    if let Some(PartType::Html(html)) = html.map(|part| &part.body) {
        message.html = Some(html.to_string());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bodies_and_an_encoded_subject() {
        let raw = b"From: Sign-in <no-reply@x.test>\r\nSubject: =?utf-8?q?Ihr_Schl=C3=BCssel?=\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            code is: 01=\r\n2345\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>012345</b>\r\n--b--\r\n";
        let message = message(raw, "bounce@x.test", "a@x.test");
        assert_eq!(message.subject, "Ihr Schl\u{fc}ssel");
        assert_eq!(message.from.as_deref(), Some("no-reply@x.test"));
        assert!(message.text.contains("code is: 012345"), "{}", message.text);
        assert_eq!(message.html.as_deref().map(str::trim), Some("<b>012345</b>"));
    }

    #[test]
    fn garbage_is_its_own_text() {
        for raw in [&b""[..], b"\xff\xfe\x00", b"no header at all"] {
            let message = message(raw, "a", "b");
            assert_eq!((message.to.as_str(), message.html), ("b", None));
        }
    }
}
