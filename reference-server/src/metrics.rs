//! What a server counts. Each server has counts of its own, because many run in one process. Labels hold words of the API and
//! nothing that anybody chose: no account, no address, no secret, and so never many values.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use specs::Operation;

use crate::ports::{DeliveryError, Message, Recipient};

/// Upper ends of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The counts of one server. Each is a handle of atomics: whoever clones one reads the same count.
pub struct Metrics {
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub(crate) sign_ins: Family<OutcomeLabels, Counter>,
    pub(crate) verifications: Family<OutcomeLabels, Counter>,
    pub(crate) messages: Family<MessageLabels, Counter>,
    pub(crate) live_challenges: Gauge<u64, AtomicU64>,
    pub(crate) live_sessions: Gauge<u64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct MessageLabels {
    channel: &'static str,
    kind: &'static str,
    result: &'static str,
}

/// A request that was answered.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a Method,
    /// The path as the API has it, or `other`: nobody's identifier, and few values.
    pub(crate) route: &'static str,
    pub(crate) operation: Option<Operation>,
    pub(crate) status: u16,
    /// The slug of the problem, when it was refused.
    pub(crate) outcome: Option<&'static str>,
    pub(crate) took: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            sign_ins: Family::default(),
            verifications: Family::default(),
            messages: Family::default(),
            live_challenges: Gauge::default(),
            live_sessions: Gauge::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        let (method, route, status) = (method_label(answered.method), answered.route, answered.status);
        let request = RequestLabels { method, route, status };
        self.requests.get_or_create(&request).inc();
        let took = answered.took.as_secs_f64();
        self.durations.get_or_create(&RouteLabels { method, route }).observe(took);
        let outcome = answered.outcome.unwrap_or(match status {
            201 => "session",
            202 => "challenge",
            _ => "other",
        });
        let steps = match answered.operation {
            Some(Operation::SignIn) => &self.sign_ins,
            Some(Operation::Verify) => &self.verifications,
            _ => return,
        };
        steps.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    pub(crate) fn sent(&self, message: &Message, outcome: &Result<(), DeliveryError>) {
        let channel = match message.to {
            Recipient::Email(_) => "email",
            Recipient::Push(_) => "push",
        };
        let result = match outcome {
            Ok(()) => "taken",
            Err(DeliveryError::Unregistered) => "unregistered",
            Err(DeliveryError::Refused(_)) => "refused",
            Err(DeliveryError::TimedOut) => "timed-out",
            Err(DeliveryError::NoProvider) => "no-provider",
        };
        let kind = message.content.kind().name();
        self.messages.get_or_create(&MessageLabels { channel, kind, result }).inc();
    }

    pub(crate) fn live(&self, challenges: usize, sessions: usize) {
        self.live_challenges.set(challenges as u64);
        self.live_sessions.set(sessions as u64);
    }
}

/// A method that the API has, or `other`: the rest is whatever a client made up.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
