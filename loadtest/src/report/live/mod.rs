//! A storm while it runs: what the engine tells once a second, and who shows it.
//!
//! The engine publishes a [`LiveFrame`] a second to a [`LiveState`], and hands every sample to an [`Observe`]r. [`terminal`] shows the
//! frames to a person; [`metrics`] serves frames and samples to Prometheus. Neither can hold the engine up.

pub mod metrics;
pub mod terminal;

use std::sync::Arc;

use tokio::sync::watch;

use crate::measure::Sample;

/// Where a storm stands: counts from its beginning, rates and percentiles of the last second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveFrame {
    /// Seconds from the storm's beginning.
    pub at_s: f64,
    /// The phase it is in; empty where there are none.
    pub phase: String,
    /// Arrivals that were due until now, attackers included.
    pub offered: u64,
    /// Of them, those that were begun.
    pub started: u64,
    pub completed: u64,
    /// Flows that ended otherwise, but for those abandoned.
    pub broken_off: u64,
    /// Arrivals given up before they were begun.
    pub abandoned: u64,
    /// Arrivals due and not yet begun.
    pub waiting: u64,
    pub under_way: u64,
    /// Arrivals a second, as they are sent now.
    pub rate_now: f64,
    /// Median response time of the last second; `None` when nothing was completed in it.
    pub p50_ms: Option<f64>,
    /// 99th percentile of it.
    pub p99_ms: Option<f64>,
    /// 99th percentile of the scheduling delay in the last second.
    pub lag_p99_ms: Option<f64>,
    pub codes_push: u64,
    pub codes_email: u64,
    pub attacks: u64,
}

/// The latest frame: a cheap handle. Who publishes never waits for who looks, and who looks sees the latest frame, not every one.
#[derive(Clone, Debug)]
pub struct LiveState(Arc<watch::Sender<LiveFrame>>);

impl Default for LiveState {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(LiveFrame::default())))
    }
}

impl LiveState {
    /// Replaces the frame.
    pub fn publish(&self, frame: LiveFrame) {
        self.0.send_replace(frame);
    }

    /// The latest frame.
    pub fn frame(&self) -> LiveFrame {
        self.0.borrow().clone()
    }

    /// Wakes at each further frame.
    pub fn subscribe(&self) -> watch::Receiver<LiveFrame> {
        self.0.subscribe()
    }
}

/// Who wants every sample. It is called where flows run, so it must cost next to nothing and never wait.
pub trait Observe: Send + Sync {
    /// One measured thing.
    fn sample(&self, sample: &Sample);
}

/// Nobody wants them.
impl Observe for () {
    fn sample(&self, _: &Sample) {}
}
