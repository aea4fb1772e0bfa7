//! What generator and server take of the machine: processor time and memory, by `/proc` or by a Prometheus page.
//!
//! - `process`: of a process, of threads by name, from `/proc`.
//! - `meter`: about once a second, for the record.
//! - `scrape`: of a server that is elsewhere.

mod meter;
mod process;
mod scrape;

pub use meter::{Meter, Moment, Watched};
pub use process::{Usage, cores, of_process, of_self, of_threads};
pub use scrape::{read_page, usage_on_page};

use serde::{Deserialize, Serialize};

/// Use of the machine at one moment. Processor time is counted from the process's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Seconds from the storm's beginning.
    pub at_s: f64,
    /// Of the generator.
    pub generator_cpu_s: f64,
    /// Of the generator.
    pub generator_rss_mib: f64,
    /// Of the server, when it can be read. With an embedded server both are the same process, and this is `None`.
    pub server_cpu_s: Option<f64>,
    /// Of the server, when it can be read.
    pub server_rss_mib: Option<f64>,
    /// Arrivals due and not yet begun.
    pub waiting: u64,
    /// Flows under way.
    pub under_way: u64,
}
