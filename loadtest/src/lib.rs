//! Login storms: open-loop load on Goose, judged for correctness while it runs.
//!
//! - [`scenario`]: the storm as a model, read from a file.
//! - [`arrivals`]: when people come, made from a seed.
//! - [`population`]: the accounts they have, made from a seed or read from a file.
//! - [`measure`]: what is measured of each journey and step.
//! - [`engine`]: the open loop, on Goose.
//! - [`client`]: one device's way to the service.
//! - [`journey`]: what people and attackers do.
//! - [`judge`]: whether the service kept its promises.
//! - [`sink`]: the providers a target sends its codes to, and the mailbox where they are read.
//! - [`live`]: the storm while it runs, at a terminal and for Prometheus.
//! - [`outcome`]: from what was measured to a verdict.
//! - [`distribute`]: one storm on several machines: when they begin, and what their slices come to together.
//! - [`locust`]: a worker of Locust's master, which starts, stops and shows a storm on several machines.
//! - [`capacity`]: the highest rate at which the promises are kept.
//! - [`server`]: the reference server under load, when no target is named.
//! - [`preflight`]: what a storm needs of this machine, before it starts.
//! - [`resources`]: what generator and server take of the machine.
//! - [`limits`]: whether the generator was the limit, afterwards.
//! - [`record`]: what a finished storm came to; every report is made of it.
//! - [`report`]: what is made of records.

pub mod arrivals;
pub mod capacity;
pub mod client;
pub mod distribute;
pub mod engine;
pub mod journey;
pub mod judge;
pub mod limits;
pub mod live;
pub mod locust;
pub mod measure;
pub mod outcome;
pub mod population;
pub mod preflight;
pub mod record;
pub mod report;
pub mod resources;
pub mod run;
pub mod scenario;
pub mod server;
pub mod sink;
