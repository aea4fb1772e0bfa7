//! A search as a person reads it: every run, the knee as a picture, and the answer.

use std::fmt::Write as _;

use super::Capacity;
use crate::record::Verdict;

/// Columns of the picture.
const WIDE: usize = 60;

/// The search in words.
pub fn told(found: &Capacity, unit: &str) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{:>12}{:>14}{:>10}{:>10}{:>10}{:>12}{:>16}  verdict",
        unit, "completed/s", "p50 ms", "p99 ms", "drain s", "server CPU", "journeys/CPU s"
    );
    for probe in &found.probes {
        let or_dash = |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
        let _ = writeln!(
            text,
            "{:>12.1}{:>14.1}{:>10.1}{:>10.1}{:>10}{:>12}{:>16}  {}",
            probe.rate,
            probe.completed_a_second,
            probe.p50_ms,
            probe.p99_ms,
            or_dash(probe.drain_s, 1),
            or_dash(probe.server_cpu, 2),
            or_dash(probe.server_cpu_each.filter(|each| *each > 0.0).map(|each| 1.0 / each), 0),
            word(probe.verdict),
        );
        for limit in &probe.generator_limits {
            let _ = writeln!(text, "{:>12}  {limit}", "");
        }
    }
    text.push('\n');
    text.push_str(&knee(found));
    text.push('\n');
    let _ = match (found.held, found.broken) {
        (Some(held), Some(broken)) if !found.at_least => {
            writeln!(text, "CAPACITY: {held:.1} {unit} keep the promises; {broken:.1} do not")
        }
        (Some(held), _) => writeln!(
            text,
            "CAPACITY: at least {held:.1} {unit}; the search ended there, not the service"
        ),
        (None, Some(broken)) => writeln!(text, "CAPACITY: none found; {broken:.1} {unit} already break the promises"),
        (None, None) => writeln!(text, "CAPACITY: not known; the generator was the limit from the first run on"),
    };
    text
}

/// The knee: p99 by rate, as bars on a logarithmic scale.
fn knee(found: &Capacity) -> String {
    let mut probes: Vec<_> = found.probes.iter().filter(|probe| probe.p99_ms > 0.0).collect();
    probes.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let log = |ms: f64| ms.max(0.01).log10();
    let (Some(least), Some(most)) = (
        probes.iter().map(|probe| log(probe.p99_ms)).reduce(f64::min),
        probes.iter().map(|probe| log(probe.p99_ms)).reduce(f64::max),
    ) else {
        return String::new();
    };
    let (from, span) = (least - 0.1, (most - least + 0.1).max(0.1));
    let mut text = String::from("p99 by rate (logarithmic)\n");
    for probe in probes {
        let long = ((log(probe.p99_ms) - from) / span * WIDE as f64).round().max(1.0) as usize;
        let bar = if probe.verdict == Verdict::Held { "█" } else { "░" }.repeat(long);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:>12.1} {bar} {:.1} ms", probe.rate, probe.p99_ms);
    }
    text
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Broken => "broken",
        Verdict::TooLittle => "too little happened",
        Verdict::GeneratorLimited => "generator limited",
    }
}
