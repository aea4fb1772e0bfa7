//! Programs that measure themselves in a process of their own, one after the other, and what several rounds of them come to.

use std::io::BufRead as _;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// What a generator tells of itself at its end, as one line of JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Journeys it made.
    pub journeys: u64,
    /// Processor seconds it took.
    pub cpu_s: f64,
    /// Seconds that passed.
    pub wall_s: f64,
    /// How late the 99th of a hundred journeys was begun, where there is a schedule.
    pub lag_p99_ms: Option<f64>,
}

impl Told {
    /// Microseconds of processor time for one journey.
    pub fn us(&self) -> f64 {
        self.cpu_s * 1e6 / self.journeys as f64
    }

    /// Journeys a second.
    pub fn rate(&self) -> f64 {
        self.journeys as f64 / self.wall_s
    }
}

/// Starts this same program with these arguments and reads what it tells. Goose, for one, prints other lines as well.
pub fn told(arguments: &[String]) -> anyhow::Result<Told> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut told: Option<Told> = None;
    if let Some(out) = process.stdout.take() {
        for line in std::io::BufReader::new(out).lines() {
            told = serde_json::from_str(&line?).ok().or(told);
        }
    }
    let ended = process.wait()?;
    match told {
        // A generator that made nothing is no baseline.
        Some(told) if ended.success() && told.journeys > 0 => Ok(told),
        _ => anyhow::bail!("`{}` told of no journey: {ended}", arguments.join(" ")),
    }
}

/// The middle one of these; of an even number, the mean of the two in the middle.
pub fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    match of.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => of[odd / 2],
        even => f64::midpoint(of[even / 2 - 1], of[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_is_found_in_any_order() {
        assert!(median(vec![3.0, 1.0, 2.0]).total_cmp(&2.0).is_eq());
        assert!(median(vec![4.0, 1.0, 2.0, 3.0]).total_cmp(&2.5).is_eq());
        assert!(median(Vec::new()).is_nan());
    }
}
