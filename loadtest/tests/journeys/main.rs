//! Every flow against the reference server, its deliveries going to the sink.

mod attackers;
mod faults;
mod people;
mod targets_alike;
mod world;
