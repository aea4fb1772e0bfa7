//! Email by the SendGrid v3 mail-send call, answered 202 with an empty body.

use serde::Deserialize;
use specs::Channel;

use super::json::{Fields, Text};
use super::provider::{BadCall, Sent};

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    from: Option<Address<'a>>,
    #[serde(borrow, default)]
    personalizations: Vec<Personalization<'a>>,
    #[serde(borrow)]
    subject: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
struct Personalization<'a> {
    #[serde(borrow)]
    to: Option<Vec<Address<'a>>>,
    #[serde(borrow)]
    subject: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Address<'a> {
    #[serde(borrow)]
    email: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

pub(super) fn read(body: &[u8], mut tell: impl FnMut(&Sent<'_>)) -> Result<(), BadCall> {
    let bad = BadCall::request;
    let call: Call<'_> =
        serde_json::from_slice(body).map_err(|_| bad("Bad Request: the body is not a mail-send call in JSON", None))?;
    let from = call.from.and_then(|from| from.email);
    let from = from.ok_or(bad("The from field is required.", Some("from")))?;
    if call.personalizations.is_empty() {
        return Err(bad("The personalizations field is required.", Some("personalizations")));
    }
    let content = call.content.ok_or(bad("The content field is required.", Some("content")))?;
    let part = |kind: &str| {
        let of_kind = |part: &&Part<'_>| part.kind.as_ref().is_some_and(|text| text.0.starts_with(kind));
        content.iter().find(of_kind)?.value.as_ref().map(|text| &*text.0)
    };
    let (text, html) = (part("text/plain").unwrap_or_default(), part("text/html"));
    for row in &call.personalizations {
        let to = row.to.as_ref();
        let to = to.ok_or(bad("The to array is required.", Some("personalizations.0.to")))?;
        for address in to {
            let email = address.email.as_ref();
            let email = email.ok_or(bad("The email field is required.", Some("personalizations.0.to.0.email")))?;
            tell(&Sent {
                channel: Channel::Email,
                from: Some(&from.0),
                to: &email.0,
                subject: Text::or_empty(row.subject.as_ref().or(call.subject.as_ref())),
                text,
                html,
                data: &Fields::default(),
                code: None,
            });
        }
    }
    Ok(())
}
