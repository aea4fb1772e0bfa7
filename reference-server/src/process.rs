//! What the process takes of the machine, for Prometheus, from `/proc`. It is of the whole process, however many servers run in
//! it; where there is no `/proc`, nothing is told.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Clock ticks a second in `/proc`: 100 on every Linux there is.
const TICKS: f64 = 100.0;

/// Processor time and memory, read whenever somebody asks.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut tell = |name, help, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_s) {
            let help = "User and system processor time in seconds.";
            tell("process_cpu_seconds", help, &ConstCounter::new(seconds))?;
        }
        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(rss_bytes) {
            let help = "Resident memory in bytes.";
            tell("process_resident_memory_bytes", help, &ConstGauge::new(bytes))?;
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
    use super::*;

    #[test]
    fn the_fields_are_the_right_ones() {
        assert_eq!(cpu_s("7 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20"), Some(3.0));
        assert_eq!(cpu_s("7 (a) S 1"), None);
        assert_eq!(rss_bytes("VmPeak:\t 9 kB\nVmRSS:\t 2048 kB\n"), Some(2 * 1024 * 1024));
    }
}
