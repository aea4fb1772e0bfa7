//! Every exchange with the target, as it happened. Raw here; redacted (with identity kept) on the way out.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::operation::OperationKind;

/// One HTTP request and what came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation it belongs to; `None` for a raw request.
    pub operation: Option<OperationKind>,
    pub device: String,
    /// The source address the connection came from, when one was chosen.
    pub source: Option<IpAddr>,
    pub method: String,
    pub url: String,
    /// Request headers in order.
    pub request_headers: Vec<(String, String)>,
    pub request_body: Vec<u8>,
    /// HTTP status; 0 when no answer came.
    pub status: u16,
    /// Response headers in order.
    pub response_headers: Vec<(String, String)>,
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

/// The recorder of a target's exchanges. Clones share it. It keeps the latest exchanges only, so that a long run against
/// a shared target does not fill the memory; a check holds on to its own through its answers.
#[derive(Clone, Debug)]
pub struct Transcript {
    kept: Arc<Mutex<VecDeque<Arc<Exchange>>>>,
    most: usize,
}

impl Transcript {
    /// A recorder that keeps this many.
    pub fn keeping(most: usize) -> Self {
        Self {
            kept: Arc::default(),
            most,
        }
    }

    /// Adds one.
    pub fn record(&self, exchange: Exchange) -> Arc<Exchange> {
        let exchange = Arc::new(exchange);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() >= self.most.max(1) {
            kept.pop_front();
        }
        kept.push_back(exchange.clone());
        exchange
    }

    /// What is kept, in the order in which the exchanges ended.
    pub fn exchanges(&self) -> Vec<Arc<Exchange>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl Default for Transcript {
    fn default() -> Self {
        Self::keeping(4096)
    }
}
