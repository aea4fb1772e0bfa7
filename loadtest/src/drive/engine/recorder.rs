//! How samples leave the users: each user gathers what it measured of an arrival and hands it over once, to one of several
//! baskets that the collector empties.

use std::sync::{Arc, Mutex, PoisonError};

use crate::history::Happened;
use crate::measure::Sample;

/// Baskets: users that end at once seldom meet at the same one.
const BASKETS: usize = 16;

/// What one arrival leaves behind.
#[derive(Default)]
pub(crate) struct Basket {
    pub(crate) samples: Vec<Sample>,
    pub(crate) happened: Vec<(bool, Happened)>,
    pub(crate) complaints: Vec<(u16, String)>,
    /// Attempts begun: whose, and whether the first.
    pub(crate) attempts: Vec<(u16, bool)>,
    /// How late attempts were begun that found a free user.
    pub(crate) free_lags_us: Vec<u64>,
}

/// The baskets of a storm.
pub(crate) struct Baskets {
    // Std mutexes: each is held to append or to swap, never over an await.
    all: Vec<Mutex<Basket>>,
}

/// What a user writes into.
pub struct Recorder {
    baskets: Arc<Baskets>,
    mine: usize,
    kept: Basket,
    attacker: bool,
}

impl Default for Baskets {
    fn default() -> Self {
        Self {
            all: (0..BASKETS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Baskets {
    /// Hands over what was gathered, basket by basket.
    pub(crate) fn empty(&self, mut take: impl FnMut(Basket)) {
        for basket in &self.all {
            let full = std::mem::take(&mut *basket.lock().unwrap_or_else(PoisonError::into_inner));
            take(full);
        }
    }
}

impl Recorder {
    pub(crate) fn new(baskets: Arc<Baskets>, user: usize) -> Self {
        Self {
            baskets,
            mine: user % BASKETS,
            kept: Basket::default(),
            attacker: false,
        }
    }

    /// Whose doings are recorded from now on.
    pub fn of_attacker(&mut self, attacker: bool) {
        self.attacker = attacker;
    }

    /// Takes a sample.
    pub fn sample(&mut self, sample: Sample) {
        self.kept.samples.push(sample);
    }

    /// Takes an operation and its answer.
    pub fn happened(&mut self, happened: Happened) {
        self.kept.happened.push((self.attacker, happened));
    }

    pub(crate) fn attempt(&mut self, party: u16, first: bool) {
        self.kept.attempts.push((party, first));
    }

    pub(crate) fn free_start(&mut self, lag_us: u64) {
        self.kept.free_lags_us.push(lag_us);
    }

    pub(crate) fn complain(&mut self, party: u16, what: String) {
        self.kept.complaints.push((party, what));
    }

    /// Hands it all over.
    pub(crate) fn hand_over(&mut self) {
        let mut basket = self.baskets.all[self.mine].lock().unwrap_or_else(PoisonError::into_inner);
        basket.samples.append(&mut self.kept.samples);
        basket.happened.append(&mut self.kept.happened);
        basket.complaints.append(&mut self.kept.complaints);
        basket.attempts.append(&mut self.kept.attempts);
        basket.free_lags_us.append(&mut self.kept.free_lags_us);
    }
}
