//! How a worker behaves.

use std::time::Duration;

/// How a worker behaves.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Where the master is: `host:port`; Locust's own port is 5557.
    pub master: String,
    /// The worker's name. One that is started again under its old name gets its old shard; without it, the name is new each time.
    pub node_id: Option<String>,
    /// Between two signs of life.
    pub heartbeat: Duration,
    pub report: Duration,
    /// Without a sign of life from the master for so long, the connection is built anew.
    pub master_timeout: Duration,
    /// Between two attempts to find the master.
    pub retry: Duration,
    /// How long a storm may take to end when it is told to; then it is dropped.
    pub grace: Duration,
    /// Without any master for so long while nothing runs, the worker gives up; `None` is never.
    pub give_up: Option<Duration>,
}

impl WorkerOptions {
    /// Locust's own intervals.
    pub fn new(master: impl Into<String>) -> Self {
        Self {
            master: master.into(),
            node_id: None,
            heartbeat: Duration::from_secs(1),
            report: Duration::from_secs(3),
            master_timeout: Duration::from_secs(10),
            retry: Duration::from_millis(500),
            grace: Duration::from_secs(30),
            give_up: None,
        }
    }
}
