//! The same storm with several seeds: how likely the service is to recover, and how long it takes to.
//!
//! A storm has recovered when everybody waiting was served (or had given up) before the record ended. Runs that say nothing about
//! the service (interrupted, too little, generator-limited) are counted apart and enter no probability.

use serde::Serialize;

use super::words;
use crate::record::{Record, Verdict};

/// What several runs of one storm came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recovery {
    pub runs: u64,
    /// Of them, those that recovered.
    pub recovered: u64,
    /// The part that recovered; `None` without runs.
    pub probability: Option<f64>,
    /// The 95 % interval of it, after Wilson.
    pub interval: Option<(f64, f64)>,
    /// Runs that kept every threshold.
    pub passed: u64,
    /// Each run, in the order given.
    pub each: Vec<RecoveryRun>,
    /// The shortest, the median and the longest drain of those that recovered, in seconds.
    pub drain_s: Option<(f64, f64, f64)>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecoveryRun {
    pub seed: u64,
    /// Seconds it took to drain; `None` when it did not.
    pub drain_s: Option<f64>,
    pub verdict: Verdict,
    /// Whether it enters the probability.
    pub judged: bool,
}

/// What these runs came to.
pub fn recovery(records: &[Record]) -> Recovery {
    let each: Vec<RecoveryRun> = records
        .iter()
        .map(|record| RecoveryRun {
            seed: record.seed,
            drain_s: record.drain_s,
            verdict: record.verdict,
            judged: !record.interrupted && matches!(record.verdict, Verdict::Passed | Verdict::Failed),
        })
        .collect();
    let judged = || each.iter().filter(|run| run.judged);
    let mut drains: Vec<f64> = judged().filter_map(|run| run.drain_s).collect();
    drains.sort_by(f64::total_cmp);
    let (runs, recovered) = (judged().count() as u64, drains.len() as u64);
    Recovery {
        runs,
        recovered,
        probability: ratio(recovered, runs),
        interval: wilson(recovered, runs),
        passed: judged().filter(|run| run.verdict == Verdict::Passed).count() as u64,
        drain_s: spread(&drains),
        each,
    }
}

#[allow(clippy::cast_precision_loss, reason = "a handful of runs")]
fn ratio(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

/// The 95 % interval of a probability after `of` successes in `all` (Wilson's score interval): honest also for few runs and at 0 and 1.
#[allow(clippy::cast_precision_loss, reason = "a handful of runs")]
pub fn wilson(of: u64, all: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    let found = ratio(of, all)?;
    let all = all as f64;
    let scale = 1.0 + Z * Z / all;
    let middle = (found + Z * Z / (2.0 * all)) / scale;
    let half = Z * (found * (1.0 - found) / all + Z * Z / (4.0 * all * all)).sqrt() / scale;
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// Shortest, median and longest of sorted figures.
fn spread(sorted: &[f64]) -> Option<(f64, f64, f64)> {
    let (first, last) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    };
    Some((*first, median, *last))
}

impl Recovery {
    /// For a person.
    pub fn to_text(&self) -> String {
        let mut text = match (self.probability, self.interval) {
            (Some(probability), Some((low, high))) => format!(
                "recovered in {} of {}: {:.0} % (95 % interval {:.0} to {:.0} %)\n",
                self.recovered,
                words::counted(self.runs, "run"),
                probability * 100.0,
                low * 100.0,
                high * 100.0
            ),
            _ => "no run says anything about the service\n".to_owned(),
        };
        if let Some((shortest, median, longest)) = self.drain_s {
            text.push_str(&format!(
                "drained in {} at the least, {} in the median, {} at the most\n",
                words::s(shortest),
                words::s(median),
                words::s(longest)
            ));
        }
        text.push_str(&format!(
            "every threshold kept in {} of {}\n",
            self.passed,
            words::counted(self.runs, "run")
        ));
        for run in &self.each {
            let drain = run.drain_s.map_or_else(
                || "did not drain".to_owned(),
                |drain| format!("drained in {}", words::s(drain)),
            );
            let aside = if run.judged {
                ""
            } else {
                " (left out: no result about the service)"
            };
            text.push_str(&format!(
                "  seed {}: {drain}, {}{aside}\n",
                run.seed,
                words::verdict_name(run.verdict)
            ));
        }
        text
    }

    /// For machines.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn wilson_is_the_one_of_the_books() {
        for (of, all, low, high) in [
            (0, 10, 0.0, 0.277_5),
            (10, 10, 0.722_5, 1.0),
            (7, 10, 0.396_8, 0.892_2),
            (81, 263, 0.255_3, 0.366_2),
        ] {
            let (found_low, found_high) = wilson(of, all).expect("an interval");
            assert!(
                (found_low - low).abs() < 1e-4 && (found_high - high).abs() < 1e-4,
                "{of} of {all}: {found_low} to {found_high}"
            );
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn only_judged_runs_enter_the_probability() {
        let mut records: Vec<Record> = (1..=6).map(|seed| fixture::storm(seed, seed, 1.0)).collect();
        for (record, drain) in records
            .iter_mut()
            .zip([Some(4.0), Some(8.0), None, Some(6.0), Some(1.0), None])
        {
            record.drain_s = drain;
        }
        records[2].verdict = Verdict::Failed;
        records[4].interrupted = true;
        records[5].verdict = Verdict::GeneratorLimited;
        let found = recovery(&records);
        assert_eq!((found.runs, found.recovered, found.passed), (4, 3, 3));
        assert_eq!(found.drain_s, Some((4.0, 6.0, 8.0)));
        let text = found.to_text();
        assert!(
            text.contains("recovered in 3 of 4 runs: 75 % (95 % interval 30 to 95 %)"),
            "{text}"
        );
        assert!(
            text.contains("seed 3: did not drain, failed") && text.contains("seed 6: did not drain, generator-limited (left out"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&found.json().expect("json")).expect("json");
        assert_eq!(
            (json["probability"].as_f64(), json["each"][4]["judged"].as_bool()),
            (Some(0.75), Some(false))
        );
    }

    #[test]
    fn no_run_is_no_probability() {
        let found = recovery(&[]);
        assert_eq!((found.probability, found.interval), (None, None));
        assert!(found.to_text().starts_with("no run says anything"));
    }
}
