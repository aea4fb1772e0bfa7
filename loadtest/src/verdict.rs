//! What a storm's figures come to, and how it is told.

use std::fmt::Write as _;

use serde::Serialize;

use crate::figures::{Figures, Percentiles};

/// A start lag beyond this says that the generator was too slow for its own schedule.
const LAG_MOST_MS: f64 = 50.0;

/// The ending of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Everybody got in, in time.
    Passed,
    /// Somebody did not, or not in time.
    Failed,
    /// The generator was late: no result about the service.
    GeneratorLimited,
}

impl Verdict {
    /// The verdict on these figures.
    pub(crate) fn of(figures: &Figures, slo_p99_ms: f64) -> Self {
        if figures.start_lag.p99_ms > LAG_MOST_MS {
            Verdict::GeneratorLimited
        } else if figures.offered > 0 && figures.completed == figures.offered && figures.response.p99_ms <= slo_p99_ms {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }

    /// Its exit code.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Failed => 1,
            Verdict::GeneratorLimited => 5,
        }
    }
}

/// The table that is printed.
pub(crate) fn table(title: &str, figures: &Figures, verdict: Verdict, slo_p99_ms: f64) -> String {
    let mut text = format!("{title}\n\n");
    let Figures {
        offered,
        completed,
        failed,
        abandoned,
        ..
    } = figures;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "offered {offered} = completed {completed} + failed {failed} + abandoned {abandoned}\n"
    );
    let _ = writeln!(text, "{:<14}{:>10}{:>10}{:>10}{:>10}", "ms", "p50", "p90", "p99", "max");
    for (clock, row) in [
        ("response time", &figures.response),
        ("service time", &figures.service),
        ("start lag", &figures.start_lag),
    ] {
        let Percentiles {
            p50_ms,
            p90_ms,
            p99_ms,
            max_ms,
        } = row;
        let _ = writeln!(text, "{clock:<14}{p50_ms:>10.1}{p90_ms:>10.1}{p99_ms:>10.1}{max_ms:>10.1}");
    }
    text.push('\n');
    for complaint in &figures.complaints {
        let _ = writeln!(text, "  {complaint}");
    }
    let _ = match verdict {
        Verdict::Passed => writeln!(text, "PASSED: everybody got in, p99 within {slo_p99_ms} ms"),
        Verdict::Failed if completed < offered => writeln!(text, "FAILED: {} did not get in", offered - completed),
        Verdict::Failed => writeln!(text, "FAILED: p99 beyond {slo_p99_ms} ms"),
        Verdict::GeneratorLimited => writeln!(
            text,
            "GENERATOR-LIMITED: p99 of the start lag beyond {LAG_MOST_MS} ms: lower the rate, or give more --users or cores"
        ),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(completed: u64, p99_ms: f64, lag_p99_ms: f64) -> Figures {
        let p99 = |p99_ms| Percentiles {
            p99_ms,
            ..Percentiles::default()
        };
        Figures {
            offered: 10,
            completed,
            failed: 10 - completed,
            response: p99(p99_ms),
            start_lag: p99(lag_p99_ms),
            ..Figures::default()
        }
    }

    #[test]
    fn everybody_in_time_passes_and_nothing_else_does() {
        let of = |completed, p99, lag| Verdict::of(&figures(completed, p99, lag), 1000.0);
        assert_eq!(of(10, 900.0, 1.0), Verdict::Passed);
        assert_eq!(of(9, 900.0, 1.0), Verdict::Failed);
        assert_eq!(of(10, 1100.0, 1.0), Verdict::Failed);
        assert_eq!(of(10, 900.0, 51.0), Verdict::GeneratorLimited);
        assert_eq!(
            of(0, 9000.0, 51.0),
            Verdict::GeneratorLimited,
            "a late generator says nothing"
        );
        assert_eq!(
            Verdict::of(&Figures::default(), 1000.0),
            Verdict::Failed,
            "nobody came: nothing is shown"
        );
    }

    #[test]
    fn the_table_tells_the_sum_and_the_verdict() {
        let figures = figures(9, 900.0, 1.0);
        let told = table("storm", &figures, Verdict::of(&figures, 1000.0), 1000.0);
        assert!(told.contains("offered 10 = completed 9 + failed 1 + abandoned 0"), "{told}");
        assert!(told.contains("FAILED: 1 did not get in"), "{told}");
    }
}
