//! What a server counts, for Prometheus. Each server has a registry of its own, because many run in one process. Labels hold
//! words of the API and nothing that anybody chose: no account, no address, no secret, and so never many values.

use std::time::Duration;

use http::Method;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::courier::Kind;
use crate::parts::{DeliveryError, Outgoing, Parcel, Recipient};

/// Upper ends of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The counts of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
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
        // Refused only for a list without buckets; summaries are as good then.
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        with_local_recorder(&recorder, || {
            describe_counter!("stepproof_requests_total", "Requests answered");
            describe_histogram!(
                "stepproof_request_duration_seconds",
                "Time from the head of a request to its answer"
            );
            describe_counter!("stepproof_sign_ins_total", "First steps by what came of them");
            describe_counter!("stepproof_verifications_total", "Second steps by what came of them");
            describe_counter!(
                "stepproof_messages_total",
                "Messages by channel, kind and what the provider said"
            );
            describe_gauge!("stepproof_accounts", "Accounts");
            describe_gauge!("stepproof_live_challenges", "Pending challenges, as of the latest sweep");
            describe_gauge!("stepproof_live_sessions", "Sessions, as of the latest sweep");
        });
        Self { recorder }
    }

    /// Everything counted so far, in the Prometheus text format.
    pub fn render(&self) -> String {
        self.recorder.handle().render()
    }

    /// Folds what has been measured into the buckets; without it, memory grows with the requests until somebody looks.
    pub(crate) fn fold(&self) {
        self.recorder.handle().run_upkeep();
    }

    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        let method = method_label(answered.method);
        let (route, seconds) = (answered.route, answered.took.as_secs_f64());
        with_local_recorder(&self.recorder, || {
            let status = answered.status.to_string();
            counter!("stepproof_requests_total", "method" => method, "route" => route, "status" => status).increment(1);
            histogram!("stepproof_request_duration_seconds", "method" => method, "route" => route).record(seconds);
            let outcome = answered.outcome.or(match answered.status {
                201 => Some("session"),
                202 => Some("challenge"),
                _ => None,
            });
            match (method, route) {
                ("POST", "/v1/sign-ins") => {
                    counter!("stepproof_sign_ins_total", "outcome" => outcome.unwrap_or("other")).increment(1);
                }
                ("POST", "/v1/challenge/verify") => {
                    counter!("stepproof_verifications_total", "outcome" => outcome.unwrap_or("other")).increment(1);
                }
                _ => {}
            }
        });
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
        with_local_recorder(&self.recorder, || {
            counter!("stepproof_messages_total", "channel" => channel, "kind" => kind.name(), "result" => result).increment(1);
        });
    }

    pub(crate) fn accounts(&self, accounts: usize) {
        with_local_recorder(&self.recorder, || gauge!("stepproof_accounts").set(accounts as f64));
    }

    pub(crate) fn live(&self, live: Live) {
        with_local_recorder(&self.recorder, || {
            // Exact up to 2^53, which is more accounts than there are people.
            gauge!("stepproof_live_challenges").set(live.challenges as f64);
            gauge!("stepproof_live_sessions").set(live.sessions as f64);
        });
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
            r#"stepproof_request_duration_seconds_bucket{method="POST",route="/v1/sign-ins",le="0.005"} 2"#,
            r#"stepproof_requests_total{method="other",route="/v1/sign-ins",status="405"} 1"#,
            "stepproof_accounts 3",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("MADE-UP"));
        assert!(!other.render().contains("stepproof_sign_ins_total{"), "{}", other.render());
    }
}
