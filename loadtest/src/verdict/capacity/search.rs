//! Doubling until the thresholds break, halving the gap until it is small, and measuring again what decides: one run at the edge
//! is chance.

use serde::{Deserialize, Serialize};

use crate::record::Verdict;

/// One measured rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Arrivals a second, as a multiple of which the storm was run.
    pub rate: f64,
    pub verdict: Verdict,
    /// Legitimate flows completed a second, while people came.
    pub completed_a_second: f64,
    /// Median response time in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the response time in milliseconds.
    pub p99_ms: f64,
    /// Seconds of processor time the server took a second; `None` where it cannot be read.
    pub server_cpu: Option<f64>,
    /// The server's processor seconds for one completed flow.
    pub server_cpu_each: Option<f64>,
    /// Seconds to drain.
    pub drain_s: Option<f64>,
    /// Why the generator was the limit, where it was.
    pub generator_limits: Vec<String>,
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start_rate: f64,
    /// The last one that is tried.
    pub until_rate: f64,
    /// How close the highest kept and the lowest failed rate come, as a part.
    pub tolerance: f64,
    /// How often the highest kept rate must be kept in all.
    pub repeats: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Every run, in the order it was made.
    pub probes: Vec<Probe>,
    /// The highest rate at which the thresholds were kept, each time it was measured.
    pub passed: Option<f64>,
    /// The lowest rate at which they were not.
    pub failed: Option<f64>,
    /// Whether the generator, or the highest rate that was to be tried, ended the search: then the service takes at least `passed`.
    pub at_least: bool,
}

/// Looks for the capacity. An error of a measurement ends it.
pub async fn search<E>(bounds: Bounds, mut measure: impl AsyncFnMut(f64) -> Result<Probe, E>) -> Result<Capacity, E> {
    let mut found = Capacity {
        probes: Vec::new(),
        passed: None,
        failed: None,
        at_least: false,
    };
    let mut rate = bounds.start_rate;
    loop {
        let probe = measure(rate).await?;
        let verdict = probe.verdict;
        found.probes.push(probe);
        match verdict {
            Verdict::Passed => {
                let times = found
                    .probes
                    .iter()
                    .filter(|probe| probe.rate == rate && probe.verdict == verdict)
                    .count();
                let known = found.failed.is_some_and(|failed| failed / rate <= 1.0 + bounds.tolerance);
                let last = known || rate >= bounds.until_rate;
                // The rate that will be the answer is measured again before it is believed.
                if last && times < bounds.repeats.max(1) as usize {
                    continue;
                }
                found.passed = Some(rate);
                if last {
                    found.at_least = !known;
                    return Ok(found);
                }
            }
            Verdict::GeneratorLimited => {
                // Beyond what the generator can do nothing is known; below it the search goes on only to a failed rate.
                found.at_least = found.failed.is_none();
                if found.at_least || found.passed.is_none() {
                    return Ok(found);
                }
                found.failed = Some(rate);
            }
            Verdict::Failed | Verdict::TooLittle => {
                found.failed = Some(rate);
                // A rate that was kept once and failed now is not the answer.
                found.passed = found
                    .passed
                    .filter(|passed| *passed < rate)
                    .or_else(|| below(&found.probes, rate));
                let hopeless = rate <= bounds.start_rate / 64.0;
                if hopeless {
                    return Ok(found);
                }
            }
        }
        rate = match (found.passed, found.failed) {
            (Some(passed), None) => (passed * 2.0).min(bounds.until_rate),
            (None, _) => rate / 2.0,
            (Some(passed), Some(failed)) if failed / passed <= 1.0 + bounds.tolerance => passed,
            (Some(passed), Some(failed)) => (passed * failed).sqrt(),
        };
    }
}

/// The highest rate below this one that was kept and never failed.
fn below(probes: &[Probe], rate: f64) -> Option<f64> {
    let kept = |at: f64| {
        probes
            .iter()
            .filter(|probe| probe.rate == at)
            .all(|probe| probe.verdict == Verdict::Passed)
    };
    let rates = probes.iter().map(|probe| probe.rate).filter(|at| *at < rate && kept(*at));
    rates.reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn probe(rate: f64, verdict: Verdict) -> Probe {
        Probe {
            rate,
            verdict,
            completed_a_second: rate,
            p50_ms: 1.0,
            p99_ms: 2.0,
            server_cpu: None,
            server_cpu_each: None,
            drain_s: None,
            generator_limits: Vec::new(),
        }
    }

    const BOUNDS: Bounds = Bounds {
        start_rate: 50.0,
        until_rate: 100_000.0,
        tolerance: 0.05,
        repeats: 3,
    };

    async fn against(bounds: Bounds, mut answer: impl FnMut(f64, usize) -> Verdict) -> Capacity {
        let mut nth = 0;
        let found = search(bounds, async |rate| {
            nth += 1;
            Ok::<_, Infallible>(probe(rate, answer(rate, nth)))
        });
        match found.await {
            Ok(found) => found,
        }
    }

    fn up_to(limit: f64) -> impl FnMut(f64, usize) -> Verdict {
        move |rate, _| if rate <= limit { Verdict::Passed } else { Verdict::Failed }
    }

    #[tokio::test]
    async fn the_edge_is_found_from_below_and_from_above_and_measured_again() {
        for limit in [7.0, 50.0, 51.0, 777.0, 9_999.0] {
            let found = against(BOUNDS, up_to(limit)).await;
            let (passed, failed) = (found.passed.unwrap(), found.failed.unwrap());
            assert!(
                passed <= limit && limit < failed && failed / passed <= 1.051,
                "{limit}: {passed} {failed}"
            );
            assert!(!found.at_least);
            assert_eq!(found.probes.iter().filter(|probe| probe.rate == passed).count(), 3, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_rate_that_is_kept_by_chance_is_not_the_answer() {
        // Above 400 every other run is kept by chance.
        let found = against(BOUNDS, |rate, nth| match rate {
            rate if rate <= 400.0 => Verdict::Passed,
            rate if rate <= 430.0 && nth % 2 == 0 => Verdict::Passed,
            _ => Verdict::Failed,
        });
        let found = found.await;
        assert!(found.passed.unwrap() <= 400.0, "{found:?}");
    }

    #[tokio::test]
    async fn a_generator_at_its_limit_gives_a_lower_bound() {
        let found = against(BOUNDS, |rate, _| match rate {
            rate if rate <= 300.0 => Verdict::Passed,
            _ => Verdict::GeneratorLimited,
        });
        let found = found.await;
        assert_eq!((found.passed, found.failed, found.at_least), (Some(200.0), None, true));
    }

    #[tokio::test]
    async fn the_highest_rate_and_a_service_that_keeps_nothing_end_the_search() {
        let most = Bounds {
            until_rate: 300.0,
            ..BOUNDS
        };
        let found = against(most, up_to(1e9)).await;
        assert_eq!((found.passed, found.at_least), (Some(300.0), true));
        let found = against(BOUNDS, up_to(0.0)).await;
        assert_eq!((found.passed, found.at_least), (None, false));
        assert!(found.probes.len() < 10, "{}", found.probes.len());
    }
}
