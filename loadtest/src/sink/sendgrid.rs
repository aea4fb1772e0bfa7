//! SendGrid v3: the mail-send call as far as it matters to a storm.

use std::time::Instant;

use http::StatusCode;
use serde::Deserialize;
use targets::Channel;
use targets::delivery_log::Patterns;

use super::contents::{Contents, Fields, Text, Words};
use super::letter::Letter;
use super::provider::Wrong;

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

pub(super) fn read(body: &[u8], patterns: &Patterns) -> Result<Vec<Letter>, Wrong> {
    let bad = |what, field| Wrong(StatusCode::BAD_REQUEST, what, field);
    let call: Call<'_> =
        serde_json::from_slice(body).map_err(|_| bad("Bad Request: the body is not a mail-send call in JSON", None))?;
    if call.from.and_then(|from| from.email).is_none() {
        return Err(bad("The from field is required.", Some("from")));
    }
    if call.personalizations.is_empty() {
        return Err(bad("The personalizations field is required.", Some("personalizations")));
    }
    let content = call.content.ok_or(bad("The content field is required.", Some("content")))?;
    let part = |kind: &str| {
        let of_kind = |part: &&Part<'_>| part.kind.as_ref().is_some_and(|text| text.0.starts_with(kind));
        Text::or_empty(content.iter().find(of_kind).and_then(|part| part.value.as_ref()))
    };
    let (text, html, at) = (part("text/plain"), part("text/html"), Instant::now());
    let mut letters = Vec::with_capacity(1);
    for row in &call.personalizations {
        let subject = Text::or_empty(row.subject.as_ref().or(call.subject.as_ref()));
        let contents = Contents::find(&Words { subject, text, html }, &Fields::default(), patterns);
        let to = row
            .to
            .as_ref()
            .ok_or(bad("The to array is required.", Some("personalizations.0.to")))?;
        for address in to {
            let email = address.email.as_ref();
            let email = email.ok_or(bad("The email field is required.", Some("personalizations.0.to.0.email")))?;
            letters.push(contents.letter(Channel::Email, &email.0, at));
        }
    }
    Ok(letters)
}
