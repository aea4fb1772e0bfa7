//! What a server counts, for Prometheus. Each server has a registry of its own, because many run in one process. Labels hold
//! words of the API and nothing that anybody chose: no account, no address, no secret, and so never many values.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::courier::Kind;
use crate::ports::{DeliveryError, Outgoing, Parcel, Recipient};
use crate::process::ProcessCollector;

/// What [`Metrics::render`] writes: Prometheus reads it by this content type, and takes it for cut off without its last line.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The counts of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    sign_ins: Family<OutcomeLabels, Counter>,
    verifications: Family<OutcomeLabels, Counter>,
    messages: Family<MessageLabels, Counter>,
    accounts: Count,
    live_challenges: Count,
    live_sessions: Count,
}

type Count = Gauge<u64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    channel: &'static str,
    kind: &'static str,
    result: &'static str,
}

/// A request that was answered.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a Method,
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    /// The slug of the problem, when it was refused.
    pub(crate) outcome: Option<&'static str>,
    pub(crate) took: Duration,
}

/// What is live at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) challenges: usize,
    pub(crate) sessions: usize,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let all = &mut registry;
        // Without `_total`, which the encoder writes behind the name of every counter.
        let requests = register(all, "stepproof_requests", "Requests answered", Family::default());
        let durations = register(
            all,
            "stepproof_request_duration_seconds",
            "Time from the head of a request to its answer",
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram),
        );
        let help = "First steps by what came of them";
        let sign_ins = register(all, "stepproof_sign_ins", help, Family::default());
        let help = "Second steps by what came of them";
        let verifications = register(all, "stepproof_verifications", help, Family::default());
        let help = "Messages by channel, kind and what the provider said";
        let messages = register(all, "stepproof_messages", help, Family::default());
        let accounts = register(all, "stepproof_accounts", "Accounts", Count::default());
        let help = "Pending challenges, as of the latest sweep";
        let live_challenges = register(all, "stepproof_live_challenges", help, Count::default());
        let help = "Sessions, as of the latest sweep";
        let live_sessions = register(all, "stepproof_live_sessions", help, Count::default());
        registry.register_collector(Box::new(ProcessCollector));
        Self {
            registry,
            requests,
            durations,
            sign_ins,
            verifications,
            messages,
            accounts,
            live_challenges,
            live_sessions,
        }
    }

    /// Everything counted so far and what the process takes, in Prometheus's text format (OpenMetrics).
    pub fn render(&self) -> String {
        let mut page = String::new();
        // Nothing that is written to a text fails.
        let _ = encode(&mut page, &self.registry);
        page
    }

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
        let steps = match (method, route) {
            ("POST", "/v1/sign-ins") => &self.sign_ins,
            ("POST", "/v1/challenge/verify") => &self.verifications,
            _ => return,
        };
        steps.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    pub(crate) fn sent(&self, message: &Outgoing, outcome: &Result<(), DeliveryError>) {
        let channel = match message.to {
            Recipient::Email(_) => "email",
            Recipient::Push(_) => "push",
        };
        let kind = match message.parcel {
            Parcel::Code { .. } => Kind::Code,
            Parcel::Reset { .. } => Kind::Reset,
            Parcel::Notice { .. } => Kind::Notice,
        };
        let result = match outcome {
            Ok(()) => "taken",
            Err(DeliveryError::Unregistered) => "unregistered",
            Err(DeliveryError::Refused(_)) => "refused",
            Err(DeliveryError::TimedOut) => "timed-out",
            Err(DeliveryError::NoProvider) => "no-provider",
        };
        let kind = kind.name();
        self.messages.get_or_create(&MessageLabels { channel, kind, result }).inc();
    }

    pub(crate) fn accounts(&self, accounts: usize) {
        self.accounts.set(accounts as u64);
    }

    pub(crate) fn live(&self, live: Live) {
        self.live_challenges.set(live.challenges as u64);
        self.live_sessions.set(live.sessions as u64);
    }
}

/// Registers a metric; what comes back is another handle to it.
fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(metrics: &Metrics, method: &str, status: u16, outcome: Option<&'static str>) {
        metrics.answered(&Answered {
            method: &method.parse().unwrap(),
            route: "/v1/sign-ins",
            status,
            outcome,
            took: Duration::from_millis(3),
        });
    }

    #[test]
    fn each_server_counts_for_itself() {
        let (one, other) = (Metrics::new(), Metrics::new());
        answered(&one, "POST", 202, None);
        answered(&one, "POST", 401, Some("invalid-credentials"));
        answered(&one, "MADE-UP-BY-A-CLIENT", 405, Some("method-not-allowed"));
        one.accounts(3);
        let text = one.render();
        for line in [
            r#"stepproof_sign_ins_total{outcome="challenge"} 1"#,
            r#"stepproof_sign_ins_total{outcome="invalid-credentials"} 1"#,
            r#"stepproof_request_duration_seconds_bucket{le="0.005",method="POST",route="/v1/sign-ins"} 2"#,
            r#"stepproof_requests_total{method="other",route="/v1/sign-ins",status="405"} 1"#,
            "stepproof_accounts 3",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("MADE-UP"));
        assert!(!other.render().contains("stepproof_sign_ins_total{"), "{}", other.render());
    }
}
