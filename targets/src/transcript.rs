//! Every exchange with the target, as it happened. Raw here; redacted (with identity kept) on the way out.

use std::net::IpAddr;

use crate::operation::OperationKind;

/// One HTTP request and what came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation it belongs to; `None` for a raw request.
    pub operation: Option<OperationKind>,
    /// The device's label.
    pub device: String,
    /// The source address the connection came from, when one was chosen.
    pub source: Option<IpAddr>,
    /// HTTP method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Request headers in order.
    pub request_headers: Vec<(String, String)>,
    /// Request body.
    pub request_body: Vec<u8>,
    /// HTTP status.
    pub status: u16,
    /// Response headers in order.
    pub response_headers: Vec<(String, String)>,
    /// Response body.
    pub response_body: Vec<u8>,
    /// Milliseconds since the target was opened.
    pub started_ms: f64,
    /// Milliseconds from the first byte sent to the last byte read.
    pub took_ms: f64,
}

impl Exchange {
    /// The response body as text, lossily.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.response_body).into_owned()
    }

    /// The response body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.response_body).ok()
    }

    /// The first response header of that name, case-insensitively.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response_headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}
