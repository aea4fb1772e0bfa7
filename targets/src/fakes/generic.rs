//! Any other provider, by the plainest call there can be: `{"to", "text", "code"?, "data"?}`.

use serde::Deserialize;
use specs::Channel;

use super::json::{Fields, Text};
use super::provider::{BadCall, Sent};

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

pub(super) fn read(channel: Channel, body: &[u8], mut tell: impl FnMut(&Sent<'_>)) -> Result<(), BadCall> {
    let bad = BadCall::request;
    let call: Call<'_> = serde_json::from_slice(body)
        .map_err(|_| bad("the body is not {\"to\", \"text\", \"code\"?, \"data\"?} in JSON", None))?;
    if call.to.0.is_empty() {
        return Err(bad("there is no recipient", Some("to")));
    }
    tell(&Sent {
        channel,
        from: None,
        to: &call.to.0,
        subject: "",
        text: &call.text.0,
        html: None,
        data: &call.data.unwrap_or_default(),
        code: call.code.as_ref().map(|code| &*code.0),
    });
    Ok(())
}
