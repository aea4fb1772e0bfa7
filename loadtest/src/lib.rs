//! Login storms: open-loop load on Goose, judged for correctness while it runs.
//!
//! From the bottom up; a module uses those above it alone:
//!
//! - [`plan`]: the storm as a file, its arrivals and its accounts: pure functions of a seed.
//! - [`record`]: what a finished storm came to; every report is made of it.
//! - [`history`]: operations as they were invoked and returned, and whether the service's answers to them were right.
//! - [`measure`]: samples, their series, the HDR interval log, and what generator and server take of the machine.
//! - [`client`]: one device's way to the service.
//! - [`sink`]: the providers a target sends its codes to, and the inbox where they are read.
//! - [`flow`]: what people and attackers do.
//! - [`verdict`]: from what was measured to thresholds, recovery, capacity and comparison.
//! - [`report`]: what is made of records, and the storm while it runs.
//! - [`drive`]: the open loop, and one storm from its plan to its record.
//! - [`fleet`]: one storm on several machines.
//! - [`cli`]: the command line, which a program with flows of its own has, too (`examples/own_flow.rs`).

pub mod cli;
pub mod client;
pub mod drive;
pub mod fleet;
pub mod flow;
pub mod history;
pub mod measure;
pub mod plan;
pub mod record;
pub mod report;
pub mod sink;
pub mod verdict;
