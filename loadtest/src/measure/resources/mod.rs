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
