//! How samples leave the users: each user gathers what it measured of an arrival and hands it over once, to one of several
//! buffers that the collector empties.

use std::sync::{Arc, Mutex, PoisonError};

use crate::history;
use crate::measure::Sample;

/// Baskets: users that end at once seldom meet at the same one.
const BUFFERS: usize = 16;

/// What one arrival leaves behind.
#[derive(Default)]
pub(crate) struct SampleBuffer {
    pub(crate) samples: Vec<Sample>,
    pub(crate) operation: Vec<(bool, history::Operation)>,
    pub(crate) complaints: Vec<(u16, String)>,
    /// Attempts begun: whose, and whether the first.
    pub(crate) attempts: Vec<(u16, bool)>,
    /// How late attempts were begun that found a free user.
    pub(crate) scheduling_delays_us: Vec<u64>,
}

/// The buffers of a storm.
pub(crate) struct SampleBuffers {
    // Std mutexes: each is held to append or to swap, never over an await.
    all: Vec<Mutex<SampleBuffer>>,
}

/// What a user writes into.
pub struct Recorder {
    buffers: Arc<SampleBuffers>,
    mine: usize,
    kept: SampleBuffer,
    attacker: bool,
}

impl Default for SampleBuffers {
    fn default() -> Self {
        Self {
            all: (0..BUFFERS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl SampleBuffers {
    /// Hands over what was gathered, buffer by buffer.
    pub(crate) fn empty(&self, mut take: impl FnMut(SampleBuffer)) {
        for buffer in &self.all {
            let full = std::mem::take(&mut *buffer.lock().unwrap_or_else(PoisonError::into_inner));
            take(full);
        }
    }
}

impl Recorder {
    pub(crate) fn new(buffers: Arc<SampleBuffers>, user: usize) -> Self {
        Self {
            buffers,
            mine: user % BUFFERS,
            kept: SampleBuffer::default(),
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
    pub fn operation(&mut self, operation: history::Operation) {
        self.kept.operation.push((self.attacker, operation));
    }

    pub(crate) fn attempt(&mut self, class: u16, first: bool) {
        self.kept.attempts.push((class, first));
    }

    pub(crate) fn scheduling_delay(&mut self, lag_us: u64) {
        self.kept.scheduling_delays_us.push(lag_us);
    }

    pub(crate) fn complain(&mut self, class: u16, what: String) {
        self.kept.complaints.push((class, what));
    }

    /// Hands it all over.
    pub(crate) fn hand_over(&mut self) {
        let mut buffer = self.buffers.all[self.mine].lock().unwrap_or_else(PoisonError::into_inner);
        buffer.samples.append(&mut self.kept.samples);
        buffer.operation.append(&mut self.kept.operation);
        buffer.complaints.append(&mut self.kept.complaints);
        buffer.attempts.append(&mut self.kept.attempts);
        buffer.scheduling_delays_us.append(&mut self.kept.scheduling_delays_us);
    }
}
