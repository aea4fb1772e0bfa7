//! The counts of a server as a page for Prometheus, and beside them what the process takes of the machine.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use crate::metrics::Metrics;

/// What [`render`] writes: Prometheus reads it by this content type, and takes it for cut off without its last line.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything in OpenMetrics' text format. `accounts` is how many there are now.
pub fn render(metrics: &Metrics, accounts: usize) -> String {
    // Registering clones handles and no counts, so that a registry for each page costs next to nothing, and the core needs none.
    let mut all = Registry::default();
    // Without `_total`, which the encoder writes behind the name of every counter.
    all.register("stepproof_requests", "Requests answered", metrics.requests.clone());
    let help = "Time from the head of a request to its answer";
    all.register("stepproof_request_duration_seconds", help, metrics.durations.clone());
    all.register(
        "stepproof_sign_ins",
        "First steps by what came of them",
        metrics.sign_ins.clone(),
    );
    let help = "Second steps by what came of them";
    all.register("stepproof_verifications", help, metrics.verifications.clone());
    let help = "Messages by channel, kind and what the provider said";
    all.register("stepproof_messages", help, metrics.messages.clone());
    let count = Gauge::<i64>::default();
    count.set(i64::try_from(accounts).unwrap_or(i64::MAX));
    all.register("stepproof_accounts", "Accounts", count);
    let help = "Pending challenges, as of the latest sweep";
    all.register("stepproof_live_challenges", help, metrics.live_challenges.clone());
    let help = "Sessions, as of the latest sweep";
    all.register("stepproof_live_sessions", help, metrics.live_sessions.clone());
    all.register_collector(Box::new(ProcessCollector));
    let mut page = String::new();
    // Only a writer that fails makes this fail, and a String does not.
    let _ = encode(&mut page, &all);
    page
}

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// Processor time and memory, read whenever somebody asks. They are of the whole process, however many servers run in it; where
/// there is no `/proc`, nothing is told.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut write = |name, help, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_s) {
            let help = "User and system processor time in seconds.";
            write("process_cpu_seconds", help, &ConstCounter::new(seconds))?;
        }
        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(rss_bytes) {
            let help = "Resident memory in bytes.";
            write("process_resident_memory_bytes", help, &ConstGauge::new(bytes))?;
        }
        Ok(())
    }
}

/// User and system time of a `stat` line; the name in brackets may hold blanks.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// Resident memory of a `status` file.
fn rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use specs::Operation;

    use super::*;
    use crate::metrics::Answered;

    #[test]
    fn the_fields_are_the_right_ones() {
        assert_eq!(cpu_s("7 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20"), Some(3.0));
        assert_eq!(cpu_s("7 (a) S 1"), None);
        assert_eq!(rss_bytes("VmPeak:\t 9 kB\nVmRSS:\t 2048 kB\n"), Some(2 * 1024 * 1024));
    }

    fn answered(metrics: &Metrics, method: &str, status: u16, outcome: Option<&'static str>) {
        metrics.answered(&Answered {
            method: &method.parse().unwrap(),
            route: "/v1/sign-ins",
            operation: (method == "POST").then_some(Operation::SignIn),
            status,
            outcome,
            took: Duration::from_millis(3),
        });
    }

    #[test]
    fn each_server_counts_for_itself() {
        let (one, other) = (Metrics::default(), Metrics::default());
        answered(&one, "POST", 202, None);
        answered(&one, "POST", 401, Some("invalid-credentials"));
        answered(&one, "MADE-UP-BY-A-CLIENT", 405, Some("method-not-allowed"));
        let text = render(&one, 3);
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
        assert!(!render(&other, 0).contains("stepproof_sign_ins_total{"));
    }
}
