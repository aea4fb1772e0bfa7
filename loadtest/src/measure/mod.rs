//! Three clocks for everything: response (from the intended instant), service (from the actual start), and the lag between.
//!
//! - `sample`: what is measured.
//! - `bucket`: counts of times, to three digits.
//! - `series`: all samples of a storm, by second and as a whole.
//! - `log`: the same on disk, as HDR interval logs.

mod bucket;
mod clock;
mod log;
pub mod resources;
mod run_data;
mod sample;
mod series;

pub use bucket::{DIGITS, MAX_US, count, histogram};
pub use clock::StormClock;
pub use log::{Clock, Interval, Key, LogError, read};
pub use run_data::{Attempts, RunData};
pub use sample::{Ending, Sample, Step};
pub use series::{Percentiles, Series, percentiles};
