//! How a storm runs: [`engine`] is the open loop, [`run`] puts one storm together, [`server`] is the reference server as a process of
//! its own, [`preflight`] what the storm needs of this machine before it starts.

pub mod engine;
pub mod preflight;
pub mod run;
pub mod server;
