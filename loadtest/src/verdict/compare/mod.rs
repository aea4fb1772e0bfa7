//! Two versions of a service under the same storms: what differs, and whether that is more than chance.
//!
//! Runs are paired by seed, for the same seed is the same storm. With two pairs or more, each figure's difference is told with a 95 %
//! interval after Student (paired). With one pair there is nothing to judge a class's difference by; the seconds of both runs are drawn
//! again and again instead (a bootstrap, seeded), over all legitimate people together, and the comparison says so. Percentiles of
//! several runs are never averaged into one percentile: what is averaged is the difference within each pair.

mod figures;
mod seconds;
mod statistics;
#[cfg(test)]
mod tests;

use serde::Serialize;
use thiserror::Error;

use crate::record::Record;

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub storm: String,
    /// The seeds that both sides ran.
    pub seeds: Vec<u64>,
    /// Runs left out, and why.
    pub left_out: Vec<LeftOut>,
    /// How the intervals were made.
    pub method: Method,
    pub differences: Vec<Difference>,
    pub verdict: Outcome,
    /// The figures that the verdict rests on.
    pub because: Vec<String>,
}

/// A run that has no part in the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// `A` or `B`.
    pub side: char,
    pub seed: u64,
    pub why: String,
}

/// How the intervals were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Student's interval of the differences within pairs of the same seed.
    PairedT,
    /// One pair only: its seconds drawn again and again.
    BootstrapOverSeconds,
}

/// One figure on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Whose: a class, or everybody legitimate.
    pub class: String,
    /// What: `p50`, `p90`, `p99` (response, milliseconds), `success` (a part), `drain` (seconds).
    pub figure: &'static str,
    /// In A, in each pair.
    pub a: Vec<f64>,
    /// In B, in each pair.
    pub b: Vec<f64>,
    /// B less A: the mean over the pairs.
    pub difference: f64,
    /// Its 95 % interval; `None` where there is too little to say.
    pub interval: Option<(f64, f64)>,
    /// What that shows of B.
    pub shows: Outcome,
}

/// What is shown of B, beside A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// B is worse: slower, or fewer get in.
    Slower,
    /// Nothing is shown, which is not the same as no difference.
    NoDifferenceShown,
    Faster,
    /// Some figures are worse and others better.
    Mixed,
}

/// Why there is nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CannotCompare {
    /// Two storms, or two versions of one.
    #[error("different storms cannot be compared: {0}")]
    DifferentStorms(String),
    /// The same seed twice on one side.
    #[error("seed {seed} is there twice on side {side}: which of the two is meant?")]
    SeedTwice {
        /// `A` or `B`.
        side: char,
        seed: u64,
    },
    /// No seed on both sides.
    #[error("no seed was run on both sides (A: {a}; B: {b}){left_out}")]
    NoPairs {
        a: String,
        b: String,
        /// What was left out, and why.
        left_out: String,
    },
}

/// Compares two sides, run by run of the same seed.
pub fn compare(a: &[Record], b: &[Record]) -> Result<Comparison, CannotCompare> {
    figures::compare(a, b)
}
