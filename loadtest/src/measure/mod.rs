//! Three clocks for everything: response (from the intended instant), service (from the actual start), and the lag between.

mod sample;

pub use sample::{Ending, Sample, Step};
