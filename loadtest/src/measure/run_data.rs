//! Everything measured of a run.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::Series;

/// What was gathered.
pub struct Gathered {
    pub series: Series,
    /// The first complaints, each with its party.
    pub complaints: Vec<(u16, String)>,
    pub attempts: BTreeMap<u16, Attempts>,
    /// How late attempts were begun that found a free user, in microseconds.
    pub free_lag: Histogram<u64>,
    /// Why the log is not complete, when it could not be written.
    pub log_error: Option<std::io::Error>,
}

/// How often a party's journeys were begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    pub first: u64,
    pub all: u64,
}
