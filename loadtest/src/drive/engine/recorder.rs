//! How samples leave the users: each user gathers what it measured of an arrival and hands it over once, to one of several
//! buffers that the collector empties.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::flow;
use crate::history::Operation;
use crate::measure::Sample;

/// Baskets: users that end at once seldom meet at the same one.
const BUFFERS: usize = 16;

/// What one arrival leaves behind.
#[derive(Default)]
pub(crate) struct SampleBuffer {
    pub(crate) samples: Vec<Sample>,
    pub(crate) operations: Vec<(bool, Operation)>,
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

/// What a user writes into; clones write into the same.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    buffers: Arc<SampleBuffers>,
    mine: usize,
    own: Mutex<SampleBuffer>,
    attacker: AtomicBool,
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
        Self(Arc::new(Inner {
            buffers,
            mine: user % BUFFERS,
            own: Mutex::default(),
            attacker: AtomicBool::new(false),
        }))
    }

    /// Whose doings are recorded from now on.
    pub fn of_attacker(&self, attacker: bool) {
        self.0.attacker.store(attacker, Ordering::Relaxed);
    }

    pub(crate) fn attempt(&self, class: u16, first: bool) {
        self.own().attempts.push((class, first));
    }

    pub(crate) fn scheduling_delay(&self, lag_us: u64) {
        self.own().scheduling_delays_us.push(lag_us);
    }

    pub(crate) fn complain(&self, class: u16, what: String) {
        self.own().complaints.push((class, what));
    }

    /// Hands it all over.
    pub(crate) fn hand_over(&self) {
        let mut own = self.own();
        let mut buffer = self.0.buffers.all[self.0.mine].lock().unwrap_or_else(PoisonError::into_inner);
        buffer.samples.append(&mut own.samples);
        buffer.operations.append(&mut own.operations);
        buffer.complaints.append(&mut own.complaints);
        buffer.attempts.append(&mut own.attempts);
        buffer.scheduling_delays_us.append(&mut own.scheduling_delays_us);
    }

    fn own(&self) -> MutexGuard<'_, SampleBuffer> {
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl flow::Recorder for Recorder {
    fn sample(&self, sample: Sample) {
        self.own().samples.push(sample);
    }

    fn operation(&self, operation: Operation) {
        self.own()
            .operations
            .push((self.0.attacker.load(Ordering::Relaxed), operation));
    }
}
