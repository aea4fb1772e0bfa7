//! A deliberate departure from the honest request, applied to the operation's deciding HTTP step.

use serde_json::Value;

/// One change to the prepared request.
#[derive(Clone, Debug, PartialEq)]
pub enum Tweak {
    /// Add a header line, keeping those of the same name.
    AddHeader(String, String),
    /// Replace every header of that name.
    SetHeader(String, String),
    /// Drop every header of that name.
    DropHeader(String),
    /// Set a top-level body field (JSON value; a form takes its text).
    SetField(String, Value),
    /// Drop a top-level body field.
    DropField(String),
    /// Add a query parameter.
    AddQuery(String, String),
    /// Send this cookie besides the jar's.
    AddCookie(String, String),
    /// Claim a second app version in the same request, in the place where the target reads it.
    RepeatVersion(String),
    /// Send these bytes as the body, with this content type.
    Body(String, Vec<u8>),
}

/// A request of the check's own making, for paths the contract does not name.
#[derive(Clone, Debug, Default)]
pub struct RawRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query, from the target's origin.
    pub path: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}
