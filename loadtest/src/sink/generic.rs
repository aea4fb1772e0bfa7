//! Any other provider, by the plainest call there can be: `{"to", "text", "code"?, "data"?}`.

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
    to: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Fields<'a>>,
}

pub(super) fn read(channel: Channel, body: &[u8], patterns: &Patterns) -> Result<Vec<Letter>, Wrong> {
    let bad = |what, field| Wrong(StatusCode::BAD_REQUEST, what, field);
    let call: Call<'_> = serde_json::from_slice(body)
        .map_err(|_| bad("the body is not {\"to\", \"text\", \"code\"?, \"data\"?} in JSON", None))?;
    if call.to.0.is_empty() {
        return Err(bad("there is no recipient", Some("to")));
    }
    let words = Words {
        text: &call.text.0,
        ..Words::default()
    };
    let contents = Contents::find(&words, &call.data.unwrap_or_default(), patterns);
    let contents = contents.with_code(call.code.as_ref().map(|code| &*code.0));
    Ok(vec![contents.letter(channel, &call.to.0, Instant::now())])
}
